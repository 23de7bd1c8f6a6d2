import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { runSql } from '../database/describe-schema.ts';
import { makeJpeg } from '../pictures.ts';
import { type S3Server, startS3Server } from '../s3-server.ts';
import { TOKEN } from '../service.ts';
import { writeMmrConfig } from './config.ts';
import { type MmrObjects, newMmrId, type PlacedObject, useMmrObjects } from './objects.ts';
import { type Ask, startAsMmr } from './queries.ts';
import { MMR_SCHEMA } from './schema.ts';

export interface MmrMedia {
  readonly origin: string;
  readonly id: string;
  readonly bytes: Buffer;
  readonly place: PlacedObject;
  readonly type: string;
}

/** What an MMR of some years leaves behind: its database, its objects, and its configuration file. */
export interface MmrRepository {
  readonly url: string;
  readonly configPath: string;
  readonly s3: S3Server;
  readonly objects: MmrObjects;
  readonly media: Readonly<Record<MediaName, MmrMedia>>;
  /** What lies where the rows of `thumbnails` of the picture say, by their width. */
  readonly thumbnails: ReadonlyMap<number, Buffer>;
  /** Created for an upload by Alice that has not come yet. */
  readonly pendingId: string;
  readonly exportParts: readonly PlacedObject[];
}

const MEDIA = [
  'picture',
  'sameByBob',
  'inBucket',
  'withoutPrefix',
  'ofV12',
  'ofV12InBucket',
  'nameless',
  'quarantined',
  'purged',
  'remote',
  'ofRemovedDomain',
  'frozen',
  'otherwiseRestricted',
  'pinned',
  'lost',
] as const;
export type MediaName = (typeof MEDIA)[number];

export const ALICE = '@alice:example.org';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * @param uploadsTo the datastore that MMR has put uploads into; everything else went to the other one
 * @param bucketOptions what the configuration says of the bucket beside what everybody's does
 */
export async function makeMmrRepository(
  t: TestContext,
  url: string,
  uploadsTo: 'local' | 'bucket',
  bucketOptions: Readonly<Record<string, string>> = {},
): Promise<MmrRepository> {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-mmr-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const s3 = await startS3Server(t);
  const folder = join(path, 'media');
  const objects = useMmrObjects(folder, s3);
  const configPath = join(path, 'media-repo.yaml');
  const tempPath = join(path, 'mediarepo_s3_upload');
  const s3Options = { ...s3.opts, ...bucketOptions };
  const parts = { postgres: url, folder, s3: s3Options, tempPath, uploadsTo, appserviceToken: TOKEN };
  await writeFile(configPath, writeMmrConfig(parts));
  await runSql(url, MMR_SCHEMA);
  const ask = await startAsMmr(t, url);
  const media = await addMedia(ask, objects, uploadsTo);
  const thumbnails = await addThumbnails(ask, objects, media.picture, uploadsTo === 'local' ? 'bucket' : 'local');
  const pendingId = await addIds(ask);
  const exportParts = await addExports(url, objects);
  await addOtherRows(url, media);
  return { url, configPath, s3, objects, media, thumbnails, pendingId, exportParts };
}

async function addMedia(ask: Ask, objects: MmrObjects, uploadsTo: 'local' | 'bucket') {
  const elsewhere = uploadsTo === 'local' ? 'bucket' : 'local';
  const now = Date.now();
  const add = async (
    place: PlacedObject,
    bytes: Buffer,
    row: Partial<Record<'origin' | 'id' | 'name' | 'type' | 'user', string>> & {
      readonly isQuarantined?: boolean;
      readonly isUntouched?: boolean;
    } = {},
  ): Promise<MmrMedia> => {
    const { origin = 'example.org', id = newMmrId(), name = 'a name.bin', type = 'application/octet-stream' } = row;
    const user = row.user ?? ALICE;
    const about = [origin, id, name, type, user, place.sha256_hash, place.size_bytes, now - 400 * DAY_MS];
    await ask('insertMedia', [...about, row.isQuarantined ?? false, place.datastore_id, place.location]);
    if (origin === 'example.org') await ask('hold', [origin, id, 'media_create', now - DAY_MS]);
    if (row.isUntouched !== true) await ask('touch', [place.sha256_hash, now - 30 * DAY_MS]);
    return { origin, id, bytes, place, type };
  };
  const random = () => randomBytes(5000);
  const addRandom = async (
    row: Parameters<typeof add>[2] = {},
    where = uploadsTo,
    form?: Parameters<MmrObjects['put']>[2],
  ) => {
    const bytes = random();
    return await add(await objects.put(where, bytes, form), bytes, row);
  };
  const jpeg = await makeJpeg({ width: 900, height: 600 });
  const inPlace = await objects.put(uploadsTo, jpeg);
  const nowhere = { ...inPlace, location: inPlace.location.replace(/.$/, 'x') };
  const lostBytes = random();
  const v12Id = () => randomBytes(20).toString('hex');
  const media: Record<MediaName, MmrMedia> = {
    picture: await add(inPlace, jpeg, { name: 'picture.jpg', type: 'image/jpeg' }),
    sameByBob: await add(inPlace, jpeg, { name: 'mine.jpg', type: 'image/jpeg', user: '@bob:example.org' }),
    inBucket: await addRandom({}, 'bucket'),
    withoutPrefix: await addRandom({}, 'bucket', 'without prefix'),
    ofV12: await addRandom({ id: v12Id(), isUntouched: true }, 'local', 'v1.2'),
    ofV12InBucket: await addRandom({ id: v12Id(), isUntouched: true }, 'bucket', 'v1.2'),
    nameless: await addRandom({ name: '.', type: 'text/plain; charset=utf-8' }),
    quarantined: await addRandom({ isQuarantined: true }),
    purged: await add({ ...nowhere, sha256_hash: 'ab'.repeat(32) }, random(), { isQuarantined: true }),
    remote: await addRandom({ origin: 'remote.example:8448', id: 'AbCdEf_-.~', name: 'download', user: '' }, elsewhere),
    ofRemovedDomain: await addRandom({ origin: 'gone.example', user: '@carol:gone.example' }),
    frozen: await addRandom(),
    otherwiseRestricted: await addRandom(),
    pinned: await addRandom(),
    lost: await add({ ...(await objects.put(uploadsTo, lostBytes)), location: nowhere.location }, lostBytes, {
      name: 'lost.bin',
    }),
  };
  const AUTHENTICATION = 'io.t2bot.requires_authentication';
  await ask('insertRestriction', ['example.org', media.frozen.id, AUTHENTICATION, 'true']);
  await ask('insertRestriction', ['example.org', media.otherwiseRestricted.id, 'org.example.other', 'true']);
  await ask('setPurpose', ['example.org', media.pinned.id, 'pinned']);
  await ask('setPurpose', ['example.org', media.nameless.id, 'none']);
  return media;
}

/** One with a hidden row beside it, as MMR 1.3 makes them; one of MMR 1.2 without; one still under the name of an animated one. */
async function addThumbnails(
  ask: Ask,
  objects: MmrObjects,
  { origin, id }: MmrMedia,
  datastoreId: 'local' | 'bucket',
): Promise<ReadonlyMap<number, Buffer>> {
  const now = Date.now() - 300 * DAY_MS;
  const add = async (width: number, height: number, method: string, animated: boolean, hash?: string) => {
    const bytes = await makeJpeg({ width, height });
    const place = await objects.put(datastoreId, bytes, hash === '' ? 'v1.2' : 'today');
    const about = [origin, id, 'image/jpeg', width, height, method, animated, hash ?? place.sha256_hash];
    await ask('insertThumbnail', [...about, place.size_bytes, now, place.datastore_id, place.location]);
    return { bytes, place };
  };
  const scaled = await add(320, 240, 'scale', false);
  const hidden = [newMmrId(), '', 'image/jpeg', '', scaled.place.sha256_hash, scaled.place.size_bytes, now, false];
  await ask('insertMedia', [origin, ...hidden, scaled.place.datastore_id, scaled.place.location]);
  const { place } = scaled;
  const animated = [origin, id, 'image/jpeg', 320, 240, 'scale', true, place.sha256_hash, place.size_bytes, now];
  await ask('insertThumbnail', [...animated, place.datastore_id, place.location]);
  const old = await add(96, 96, 'crop', false, '');
  return new Map([
    [320, scaled.bytes],
    [96, old.bytes],
  ]);
}

/** @returns the ID of the reservation that is open */
async function addIds(ask: Ask): Promise<string> {
  const [pendingId, now] = [newMmrId(), Date.now()];
  await ask('insertExpiring', ['example.org', pendingId, ALICE, now + HOUR_MS]);
  await ask('insertExpiring', ['example.org', newMmrId(), '@bob:example.org', now - HOUR_MS]);
  await ask('hold', ['example.org', pendingId, 'media_create', now]);
  await ask('reserve', ['example.org', newMmrId(), 'purged / deleted']);
  return pendingId;
}

async function addExports(url: string, objects: MmrObjects): Promise<readonly PlacedObject[]> {
  const exportId = newMmrId();
  const parts = [await objects.put('local', randomBytes(300)), await objects.put('bucket', randomBytes(200))];
  const [first, last] = parts.map((part) => `${part.size_bytes}, '%', '${part.datastore_id}', '${part.location}'`);
  await runSql(
    url,
    `INSERT INTO exports VALUES ('${exportId}', '${ALICE}');
     INSERT INTO export_parts VALUES
       ('${exportId}', 1, ${first?.replace('%', 'export-part-1.tgz')}),
       ('${exportId}', 2, ${last?.replace('%', 'export-manifest.tgz')});`,
  );
  return parts;
}

/** Of tables that hold nothing but themselves. The preview is also there for the hour that may begin meanwhile; the unfinished task is so old that MMR would not begin it any more. */
async function addOtherRows(url: string, media: Readonly<Record<MediaName, MmrMedia>>): Promise<void> {
  const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const begun = Date.now() - DAY_MS;
  const image = `'mxc://example.org/${media.picture.id}', 'image/jpeg', ${media.picture.bytes.length}, 900, 600`;
  await runSql(
    url,
    `INSERT INTO url_previews VALUES
       ('https://example.com/page', '', ${hour}, 'https://example.com/', 'Example', 'website', 'About', 'Title', ${image}, 'en'),
       ('https://example.com/page', '', ${hour + HOUR_MS}, 'https://example.com/', 'Example', 'website', 'About', 'Title', ${image}, 'en'),
       ('https://example.com/old', '', ${hour - 900 * DAY_MS}, '', '', '', '', 'Old', '', '', 0, 0, 0, NULL),
       ('https://example.com/gone', 'M_NOT_FOUND', ${hour - 10 * DAY_MS}, '', '', '', '', '', '', '', 0, 0, 0, '');
     INSERT INTO background_tasks (task, params, start_ts, end_ts, error) VALUES
       ('storage_migration', '{"before_ts":1,"source_datastore_id":"local","target_datastore_id":"bucket"}', 1600000000000, 1600000001000, ''),
       ('export_data', '{"export_id":"x","include_s3_urls":false,"user_id":"${ALICE}"}', ${begun}, ${begun + 1000}, 'error in archival'),
       ('import_data', '{"export_id":"y"}', ${begun}, 0, '');
     INSERT INTO datastores VALUES
       ('0123456789abcdef0123456789abcdef01234567', 'file', '/var/matrix/media'),
       ('76543210fedcba9876543210fedcba9876543210', 's3', 's3://s3.example.com/media');
     INSERT INTO media_id_hold VALUES ('example.org', 'of-long-ago', 'media_create', 0);`,
  );
}
