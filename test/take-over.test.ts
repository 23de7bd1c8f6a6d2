import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { describeSchema, runSql } from './database/describe-schema.ts';
import { newMmrId } from './mmr/objects.ts';
import { type Ask, startAsMmr } from './mmr/queries.ts';
import { ALICE, type MediaName, type MmrMedia, type MmrRepository, makeMmrRepository } from './mmr/repository.ts';
import { findLost, readAllRows } from './mmr/rows.ts';
import { makePng } from './pictures.ts';
import { usePostgres } from './postgres.ts';
import { startServiceIn, type TestService } from './service.ts';

const postgres = await usePostgres();
const about = { skip: postgres.skip };

const SERVED: readonly MediaName[] = [
  'picture',
  'sameByBob',
  'inBucket',
  'withoutPrefix',
  'ofV12',
  'ofV12InBucket',
  'nameless',
  'remote',
  'ofRemovedDomain',
  'otherwiseRestricted',
  'pinned',
];

async function takeOver(
  t: TestContext,
  uploadsTo: 'local' | 'bucket',
  bucketOptions: Readonly<Record<string, string>> = {},
) {
  const mmr = await makeMmrRepository(t, await postgres.createDatabase(t), uploadsTo, bucketOptions);
  const start = () => startServiceIn(t, { path: '', media: '', configPath: mmr.configPath });
  return { mmr, start };
}

const at = ({ origin, id }: Pick<MmrMedia, 'origin' | 'id'>, what = 'download') =>
  `/_matrix/client/v1/media/${what}/${origin}/${id}`;
const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function uploadAs(
  service: TestService,
  user: string,
  bytes: Buffer,
  { type = 'application/octet-stream', name = '' } = {},
): Promise<string> {
  const query = new URLSearchParams({ user_id: user, ...(name !== '' && { filename: name }) });
  const answer = await service.ask(`/_matrix/media/v3/upload?${query}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(bytes),
  });
  assert.equal(answer.status, 200);
  return ((await answer.json()) as { content_uri: string }).content_uri.split('/').at(-1) ?? '';
}

/** As MMR finds it: the row by its URI, and the object where the row says. */
async function readAsMmr(ask: Ask, { objects }: MmrRepository, origin: string, id: string) {
  const [row] = await ask('mediaById', [origin, id]);
  assert.ok(row, `MMR does not find ${id}`);
  const bytes = await objects.read({ datastore_id: row['datastore_id'], location: row['location'] });
  assert.equal(sha256(bytes), row['sha256_hash']);
  assert.equal(String(bytes.length), row['size_bytes']);
  return { row, bytes };
}

for (const uploadsTo of ['local', 'bucket'] as const) {
  const where = uploadsTo === 'local' ? 'a folder' : 'a bucket';

  test(`what MMR has stored is served, with uploads in ${where}`, about, async (t) => {
    const { mmr, start } = await takeOver(t, uploadsTo);
    const { media } = mmr;
    const service = await start();
    for (const name of SERVED) {
      const { bytes, type, place } = media[name];
      const whole = await service.ask(at(media[name]));
      assert.equal(whole.status, 200, name);
      assert.equal(whole.headers.get('content-type'), type);
      assert.ok((await bytesOf(whole)).equals(bytes), name);
      const range = await service.ask(at(media[name]), { headers: { range: 'bytes=10-19' } });
      assert.equal(range.status, 206, name);
      assert.ok((await bytesOf(range)).equals(bytes.subarray(10, 20)), name);
      const head = await service.ask(at(media[name]), { method: 'HEAD' });
      assert.equal(head.headers.get('content-length'), String(bytes.length));
      const info = await service.ask(`/_matrix/media/unstable/info/${media[name].origin}/${media[name].id}`);
      const { size, hashes } = (await info.json()) as { size: number; hashes: unknown };
      assert.deepEqual([size, hashes], [bytes.length, { sha256: place.sha256_hash }]);
    }
    const nameless = await service.ask(at(media.nameless), { method: 'HEAD' });
    assert.doesNotMatch(nameless.headers.get('content-disposition') ?? '', /filename/);
    const statusOf = async (name: MediaName, init?: RequestInit) => (await service.ask(at(media[name]), init)).status;
    assert.deepEqual([await statusOf('quarantined'), await statusOf('purged')], [404, 404]);
    assert.equal(await statusOf('lost'), 500);
    assert.equal(await statusOf('frozen'), 200);
    const withoutToken = { headers: { 'x-forwarded-host': 'example.org' } };
    for (const [name, status] of [
      ['frozen', 404],
      ['otherwiseRestricted', 200],
    ] as const) {
      const old = `${service.url}/_matrix/media/v3/download/example.org/${media[name].id}`;
      assert.equal((await fetch(old, withoutToken)).status, status, name);
    }
  });

  test(`thumbnails that MMR has made are served and not made again, with uploads in ${where}`, about, async (t) => {
    const { mmr, start } = await takeOver(t, uploadsTo);
    const service = await start();
    const { picture, sameByBob } = mmr.media;
    const before = await runSql(mmr.url, 'SELECT count(*)::int AS n FROM thumbnails');
    for (const [width, query] of [
      [320, 'width=300&height=200&method=scale'],
      [96, 'width=96&height=96&method=crop'],
    ] as const) {
      const answer = await service.ask(`${at(picture, 'thumbnail')}?${query}`);
      assert.equal(answer.headers.get('content-type'), 'image/jpeg');
      assert.ok((await bytesOf(answer)).equals(mmr.thumbnails.get(width) ?? Buffer.alloc(0)), query);
    }
    assert.deepEqual(await runSql(mmr.url, 'SELECT count(*)::int AS n FROM thumbnails'), before);
    const ofBob = await service.ask(`${at(sameByBob, 'thumbnail')}?width=300&height=200&method=scale`);
    assert.ok((await bytesOf(ofBob)).equals(mmr.thumbnails.get(320) ?? Buffer.alloc(0)));
    const made = await service.ask(`${at(picture, 'thumbnail')}?width=640&height=480&method=scale`);
    assert.equal(made.status, 200);
    const ask = await startAsMmr(t, mmr.url);
    const [row] = await ask('thumbnail', [picture.origin, picture.id, 640, 480, 'scale', false]);
    assert.ok(row, 'MMR would make the thumbnail again');
    const there = await mmr.objects.read({ datastore_id: row['datastore_id'], location: row['location'] });
    assert.ok(there.equals(await bytesOf(made)));
    assert.equal(row['datastore_id'], uploadsTo === 'local' ? 'bucket' : 'local');
  });

  test(`uploads share what MMR has stored, with uploads in ${where}`, about, async (t) => {
    const { mmr, start } = await takeOver(t, uploadsTo);
    const { picture, quarantined, lost, remote } = mmr.media;
    const service = await start();
    const ask = await startAsMmr(t, mmr.url);
    const again = await uploadAs(service, ALICE, picture.bytes, { type: 'image/jpeg', name: 'picture.jpg' });
    assert.equal(again, picture.id);
    for (const shared of [picture, remote]) {
      const id = await uploadAs(service, '@dora:example.org', shared.bytes, { name: 'other' });
      const { row } = await readAsMmr(ask, mmr, 'example.org', id);
      const { datastore_id, location } = shared.place;
      assert.deepEqual([row['datastore_id'], row['location']], [datastore_id, location]);
    }
    await assert.rejects(uploadAs(service, ALICE, quarantined.bytes));
    const healed = await uploadAs(service, '@dora:example.org', lost.bytes, { name: 'found again' });
    assert.ok((await readAsMmr(ask, mmr, 'example.org', healed)).bytes.equals(lost.bytes));
    assert.ok((await readAsMmr(ask, mmr, 'example.org', lost.id)).bytes.equals(lost.bytes));
    assert.equal((await service.ask(at(lost))).status, 200);
  });

  test(
    `MMR can go on with what Vitrine has written, and Vitrine after it, with uploads in ${where}`,
    about,
    async (t) => {
      const { mmr, start } = await takeOver(t, uploadsTo);
      const schema = await describeSchema(mmr.url);
      const rows = await readAllRows(mmr.url);

      const service = await start();
      const [large, png] = [randomBytes(6_000_000), await makePng({ width: 700, height: 500 })];
      const uploaded = [
        { bytes: large, id: await uploadAs(service, ALICE, large) },
        { bytes: png, id: await uploadAs(service, ALICE, png, { type: 'image/png', name: 'dessin é.png' }) },
      ];
      const filled = await service.ask(`/_matrix/media/v3/upload/example.org/${mmr.pendingId}?user_id=${ALICE}`, {
        method: 'PUT',
        body: new Uint8Array(png),
      });
      assert.equal(filled.status, 200);
      const created = await service.ask(`/_matrix/media/v1/create?user_id=${ALICE}`, { method: 'POST' });
      const { content_uri } = (await created.json()) as { content_uri: string };
      for (const name of SERVED) await (await service.ask(at(mmr.media[name]))).arrayBuffer();
      await service.ask(`${at(mmr.media.picture, 'thumbnail')}?width=640&height=480&method=scale`);
      await service.stop();

      // Nothing that MMR depends on has changed.
      const after = await describeSchema(mmr.url);
      const isOwn = (text: string) => /^(UNIQUE )?(idx_\w+_)?vitrine_/.test(text);
      assert.deepEqual(
        {
          ...after,
          columns: Object.fromEntries(Object.entries(after.columns).filter(([table]) => !isOwn(table))),
          indexes: after.indexes.filter((index) => !isOwn(index)),
          constraints: after.constraints.filter((constraint) => !isOwn(constraint)),
        },
        schema,
      );
      const lost = findLost(rows, await readAllRows(mmr.url));
      assert.deepEqual(Object.keys(lost).toSorted(), [
        'background_tasks',
        'expiring_media',
        'last_access',
        'media_id_hold',
        'user_stats',
      ]);
      assert.deepEqual(
        lost['media_id_hold']?.map((row) => JSON.parse(row).media_id),
        ['of-long-ago'],
      );
      assert.deepEqual(
        lost['background_tasks']?.map((row) => JSON.parse(row).task),
        ['import_data'],
      );
      assert.deepEqual(
        lost['expiring_media']?.map((row) => JSON.parse(row).media_id),
        [mmr.pendingId],
      );

      // MMR starts, and finds everything.
      const ask = await startAsMmr(t, mmr.url);
      assert.deepEqual((await ask('distinctDatastores')).map((row) => row['datastore_id']).toSorted(), [
        'bucket',
        'local',
      ]);
      for (const { id, bytes } of uploaded) {
        const { row, bytes: found } = await readAsMmr(ask, mmr, 'example.org', id);
        assert.ok(found.equals(bytes));
        assert.equal(row['datastore_id'], uploadsTo);
        assert.match(
          String(row['location']),
          uploadsTo === 'local'
            ? /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{36}[0-9]{19}idv2fmt$/
            : /^[0-9a-f]{3}\/[0-9a-f]{37}[0-9]{19}idv2fmt$/,
        );
        assert.match(id, /^[0-9a-f]{40}[0-9]{19}$/);
      }
      assert.equal((await ask('mediaById', ['example.org', uploaded[1]?.id]))[0]?.['upload_name'], 'dessin é.png');
      assert.ok((await readAsMmr(ask, mmr, 'example.org', mmr.pendingId)).bytes.equals(png));
      assert.deepEqual(await ask('expiring', ['example.org', mmr.pendingId]), []);
      const [expiring] = await ask('expiring', ['example.org', content_uri.split('/').at(-1)]);
      assert.equal(expiring?.['user_id'], ALICE);
      assert.ok(Number(expiring?.['expires_ts']) > Date.now());
      for (const name of [...SERVED, 'frozen'] as const) {
        const { origin, id, bytes } = mmr.media[name];
        assert.ok((await readAsMmr(ask, mmr, origin, id)).bytes.equals(bytes), name);
      }
      const sums =
        'SELECT user_id, sum(size_bytes)::bigint AS uploaded_bytes FROM media GROUP BY user_id ORDER BY user_id';
      assert.deepEqual(await runSql(mmr.url, 'SELECT * FROM user_stats ORDER BY user_id'), await runSql(mmr.url, sums));
      assert.deepEqual(await ask('unfinishedTasks'), []);
      for (const part of mmr.exportParts) assert.equal(sha256(await mmr.objects.read(part)), part.sha256_hash);

      // MMR runs for a while; then comes Vitrine once more.
      const bytes = randomBytes(4000);
      const place = await mmr.objects.put(uploadsTo, bytes);
      const id = newMmrId();
      await ask('hold', ['example.org', id, 'media_create', Date.now()]);
      const row = ['example.org', id, '.', 'text/plain', ALICE, place.sha256_hash, place.size_bytes, Date.now(), false];
      await ask('insertMedia', [...row, place.datastore_id, place.location]);
      await ask('quarantine', [mmr.media.pinned.place.sha256_hash, true]); // pinned: has no effect
      await ask('quarantine', [mmr.media.inBucket.place.sha256_hash, true]);
      const back = await start();
      assert.ok((await bytesOf(await back.ask(at({ origin: 'example.org', id })))).equals(bytes));
      assert.equal((await back.ask(at(mmr.media.pinned))).status, 200);
      assert.equal((await back.ask(at(mmr.media.inBucket))).status, 404);
      assert.equal((await readAllRows(mmr.url))['gomigrate']?.length, 29);
    },
  );
}

test('clients are redirected to objects that MMR has put into a public bucket', about, async (t) => {
  const { mmr, start } = await takeOver(t, 'local', { publicBaseUrl: 'https://cdn.example.com/media/' });
  const service = await start();
  for (const name of ['inBucket', 'withoutPrefix', 'ofV12InBucket', 'remote'] as const) {
    const answer = await service.ask(at(mmr.media[name]), { redirect: 'manual' });
    assert.equal(answer.status, 307, name);
    assert.equal(answer.headers.get('location'), `https://cdn.example.com/media/${mmr.media[name].place.location}`);
  }
  assert.equal((await service.ask(at(mmr.media.picture), { redirect: 'manual' })).status, 200);
});

test(
  'thumbnails in datastores that MMR has forgotten keep nothing from starting, and are made again',
  about,
  async (t) => {
    const { mmr, start } = await takeOver(t, 'local');
    const { picture } = mmr.media;
    await runSql(
      mmr.url,
      `UPDATE thumbnails SET datastore_id = '' WHERE width = 96;
     UPDATE thumbnails SET datastore_id = 'sold' WHERE width = 320;
     UPDATE export_parts SET datastore_id = 'sold' WHERE index = 1`,
    );
    const service = await start();
    for (const query of ['width=96&height=96&method=crop', 'width=320&height=240&method=scale']) {
      assert.equal((await service.ask(`${at(picture, 'thumbnail')}?${query}`)).status, 200);
    }
    assert.deepEqual(
      await runSql(mmr.url, 'SELECT DISTINCT datastore_id FROM thumbnails WHERE NOT animated ORDER BY datastore_id'),
      [{ datastore_id: 'bucket' }],
    );
  },
);

test('media in a datastore that is not configured keeps Vitrine from starting, as it does MMR', about, async (t) => {
  const { mmr, start } = await takeOver(t, 'local');
  await runSql(mmr.url, `UPDATE media SET datastore_id = 'sold' WHERE media_id = '${mmr.media.pinned.id}'`);
  await assert.rejects(start(), /media in datastores that are not configured: "sold"/);
});

test('a preview that MMR has made this hour is given without asking for the page again', about, async (t) => {
  const { mmr, start } = await takeOver(t, 'local');
  const service = await start();
  const query = new URLSearchParams({ url: 'https://example.com/page' });
  const headers = { 'accept-language': 'en' };
  const answer = await service.ask(`/_matrix/client/v1/media/preview_url?${query}`, { headers });
  assert.equal(answer.status, 200);
  const preview = (await answer.json()) as Readonly<Record<string, unknown>>;
  assert.equal(preview['og:title'], 'Title');
  assert.equal(preview['og:image'], `mxc://example.org/${mmr.media.picture.id}`);
});
