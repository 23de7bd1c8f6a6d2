import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { NotFound, parseMediaId, parseServerName } from '../src/matrix/index.ts';
import { expireMedia, expireThumbnails, retentionJobs } from '../src/upkeep/index.ts';
import { openServiceDatabase } from './database/open.ts';
import { makePng } from './pictures.ts';
import { usePostgres } from './postgres.ts';
import {
  ENGINES,
  listObjects,
  makeServiceFolder,
  pathOf,
  SERVER_NAME,
  startServiceIn,
  uploadBytes,
} from './service.ts';
import { enginesOf, OUR_NAME, openStore, type Store } from './store.ts';

const REMOTE = 'remote.example';
const NOW = Date.now();
const LONG_AGO = 1_000;
const LIMIT = NOW - 3_600_000;

function retentionOf({ upkeepParts }: Store, days = { remoteMedia: 1, thumbnails: 1, previews: 1 }) {
  return { ...upkeepParts, ourOrigins: () => [OUR_NAME], expireAfterDays: () => days };
}

/** A thumbnail of that media with an object of its own, as it would be stored at that time. */
async function addThumbnail(store: Store, origin: string, mediaId: string, ts: number): Promise<string> {
  const { database, upload, find } = store;
  const helper = await upload(randomBytes(50), `thumbnail ${mediaId} ${ts}`);
  const row = await find(OUR_NAME, helper);
  assert.ok(row);
  await database.db.deleteFrom('media').where('media_id', '=', helper).execute();
  const { sha256_hash, size_bytes, datastore_id, location } = row;
  const thumbnail = {
    origin,
    media_id: mediaId,
    width: ts % 1000,
    height: 32,
    method: 'crop',
    content_type: 'image/png',
  };
  await database.db
    .insertInto('thumbnails')
    .values({ ...thumbnail, sha256_hash, size_bytes, datastore_id, location, creation_ts: ts, animated: false })
    .execute();
  return location;
}

for (const engine of enginesOf(await usePostgres())) {
  const about = { skip: engine.skip };

  test(
    `on ${engine.name}: remote media goes with its thumbnails after its days, and nothing else does`,
    about,
    async (t) => {
      const store = await openStore(t, engine);
      const { database, find, fetchAt, upload } = store;
      const old = await fetchAt(randomBytes(100), REMOTE, LONG_AGO);
      const thumbnail = await addThumbnail(store, REMOTE, old, LONG_AGO);
      const young = await fetchAt(randomBytes(101), REMOTE, NOW);
      const ours = await upload(randomBytes(102));
      await database.db.updateTable('media').set({ creation_ts: LONG_AGO }).where('media_id', '=', ours).execute();
      const shared = randomBytes(103);
      const ofOurs = await fetchAt(shared, REMOTE, LONG_AGO);
      await upload(shared);
      const again = randomBytes(104);
      const fetchedTwice = await fetchAt(again, REMOTE, LONG_AGO);
      await fetchAt(again, 'other.example', NOW);
      const blocked = await fetchAt(randomBytes(105), REMOTE, LONG_AGO);
      await database.db.updateTable('media').set({ quarantined: true }).where('media_id', '=', blocked).execute();
      const pinned = await fetchAt(randomBytes(106), REMOTE, LONG_AGO);
      await database.db
        .insertInto('media_attributes')
        .values({ origin: REMOTE, media_id: pinned, purpose: 'pinned' })
        .execute();
      const orphaned = await fetchAt(randomBytes(107), 'gone.example', LONG_AGO);
      await database.db
        .updateTable('media')
        .set({ user_id: '@u:gone.example' })
        .where('media_id', '=', orphaned)
        .execute();

      const { location = '' } = (await find(REMOTE, old)) ?? {};
      assert.equal(await expireMedia(retentionOf(store), LIMIT, t.signal), 1);
      assert.equal(await find(REMOTE, old), undefined);
      const objects = await listObjects({ media: store.folder });
      assert.ok(!objects.includes(location) && !objects.includes(thumbnail), 'objects are left');
      assert.deepEqual(await database.db.selectFrom('thumbnails').selectAll().execute(), []);
      const left = [young, ofOurs, fetchedTwice, blocked, pinned];
      for (const mediaId of left) assert.ok(await store.read(REMOTE, mediaId), mediaId);
      assert.ok(await store.read(OUR_NAME, ours));
      assert.ok(await store.read('gone.example', orphaned), 'a user uploaded it: it is not remote media');
    },
  );

  test(`on ${engine.name}: what is more than a page is removed, too`, about, async (t) => {
    const store = await openStore(t, engine);
    for (let index = 0; index < 230; index += 1) await store.fetchAt(randomBytes(20), REMOTE, LONG_AGO);
    assert.equal(await expireMedia(retentionOf(store), LIMIT, t.signal), 230);
    assert.deepEqual(await listObjects({ media: store.folder }), []);
    const accessed = await store.database.db.selectFrom('last_access').selectAll().execute();
    assert.deepEqual(accessed, []);
  });

  test(
    `on ${engine.name}: what is quarantined or pinned at the last moment, or has been fetched anew, stays`,
    about,
    async (t) => {
      const store = await openStore(t, engine);
      const { database } = store;
      const { db } = database;
      const ids: string[] = [];
      for (let index = 0; index < 4; index += 1) ids.push(await store.fetchAt(randomBytes(20), REMOTE, LONG_AGO));
      const [blocked = '', pinned = '', anew = '', expired = ''] = ids;
      // When retention has chosen and looked, and before its transaction.
      let isMarked = false;
      const atomically: typeof database.atomically = async (...work) => {
        if (!isMarked) {
          isMarked = true;
          await db.updateTable('media').set({ quarantined: true }).where('media_id', '=', blocked).execute();
          await db
            .insertInto('media_attributes')
            .values({ origin: REMOTE, media_id: pinned, purpose: 'pinned' })
            .execute();
          await db.updateTable('media').set({ creation_ts: NOW }).where('media_id', '=', anew).execute();
        }
        await database.atomically(...work);
      };
      const retention = { ...retentionOf(store), database: { ...database, atomically } };
      assert.equal(await expireMedia(retention, LIMIT, t.signal), 1);
      for (const mediaId of [blocked, pinned, anew]) assert.ok(await store.read(REMOTE, mediaId), mediaId);
      assert.equal(await store.find(REMOTE, expired), undefined);
    },
  );

  test(
    `on ${engine.name}: media that has gone is not found any more while the rest is still being removed`,
    about,
    async (t) => {
      const store = await openStore(t, engine);
      const { media, datastores } = store;
      const ids: string[] = [];
      for (let index = 0; index < 3; index += 1)
        ids.push(await store.fetchAt(randomBytes(20), REMOTE, LONG_AGO + index));
      const isFound = async (mediaId: string) => {
        const uri = { origin: parseServerName(REMOTE), mediaId: parseMediaId(mediaId) };
        const asker = { isAuthenticated: true, waitMs: 0 };
        const opened = await media.open(uri, asker, t.signal).catch((error: unknown) => {
          if (error instanceof NotFound) return undefined;
          throw error;
        });
        await opened?.object[Symbol.asyncDispose]();
        return opened !== undefined;
      };
      const found = async () => await Promise.all(ids.map(isFound));
      assert.deepEqual(await found(), [true, true, true], 'they are remembered now');
      const seen: boolean[][] = [];
      const find: typeof datastores.find = (id) => {
        const datastore = datastores.find(id);
        if (datastore === undefined) return undefined;
        const remove: typeof datastore.delete = async (location, signal) => {
          await datastore.delete(location, signal);
          seen.push(await found());
        };
        return { ...datastore, delete: remove };
      };
      await expireMedia({ ...retentionOf(store), datastores: { ...datastores, find } }, LIMIT, t.signal);
      assert.deepEqual(seen, [
        [false, true, true],
        [false, false, true],
        [false, false, false],
      ]);
    },
  );

  test(
    `on ${engine.name}: thumbnails go by their own age, with the hidden media of matrix-media-repo`,
    about,
    async (t) => {
      const store = await openStore(t, engine);
      const { database, upload, find } = store;
      const media = await upload(randomBytes(200));
      const old = await addThumbnail(store, OUR_NAME, media, LONG_AGO);
      const young = await addThumbnail(store, OUR_NAME, media, NOW);
      const usedAsMedia = randomBytes(201);
      const used = await upload(usedAsMedia);
      const usedRow = await find(OUR_NAME, used);
      assert.ok(usedRow);
      const asThumbnail = { width: 7, height: 7, method: 'crop', animated: false, creation_ts: LONG_AGO };
      const { sha256_hash, size_bytes, datastore_id, location, content_type, media_id } = usedRow;
      const row = { sha256_hash, size_bytes, datastore_id, location, content_type, media_id, origin: OUR_NAME };
      await database.db
        .insertInto('thumbnails')
        .values({ ...row, ...asThumbnail })
        .execute();
      // As matrix-media-repo does: a thumbnail is a media of its own, which nobody is told of.
      const hidden = await store.fetchAt(randomBytes(202), OUR_NAME, LONG_AGO);
      const hiddenRow = await find(OUR_NAME, hidden);
      assert.ok(hiddenRow);
      await database.db
        .insertInto('thumbnails')
        .values({
          ...row,
          ...asThumbnail,
          width: 8,
          sha256_hash: hiddenRow.sha256_hash,
          location: hiddenRow.location,
          size_bytes: hiddenRow.size_bytes,
        })
        .execute();

      assert.equal(await expireThumbnails(retentionOf(store), LIMIT, t.signal), 3);
      const objects = await listObjects({ media: store.folder });
      assert.ok(!objects.includes(old) && !objects.includes(hiddenRow.location));
      assert.ok(objects.includes(young));
      assert.equal(await find(OUR_NAME, hidden), undefined);
      assert.ok(await store.read(OUR_NAME, used), 'media uses the same object');
      assert.equal((await database.db.selectFrom('thumbnails').selectAll().execute()).length, 1);
    },
  );

  test(
    `on ${engine.name}: previews and kept IDs are forgotten, and what is not configured is not done`,
    about,
    async (t) => {
      const store = await openStore(t, engine);
      const { db } = store.database;
      const preview = { error_code: '', site_url: '', site_name: '', resource_type: '', description: '', title: '' };
      const image = { image_mxc: '', image_type: '', image_size: 0, image_width: 0, image_height: 0 };
      for (const bucket_ts of [LONG_AGO, NOW]) {
        await db
          .insertInto('url_previews')
          .values({ url: 'https://a.example', bucket_ts, ...preview, ...image })
          .execute();
        const id = { origin: OUR_NAME, media_id: `id ${bucket_ts}` };
        await db
          .insertInto('media_id_hold')
          .values({ ...id, reason: 'media_create', held_ts: bucket_ts })
          .execute();
        await db
          .insertInto('expiring_media')
          .values({ ...id, user_id: '@a:example.org', expires_ts: bucket_ts })
          .execute();
      }
      const jobs = retentionJobs(retentionOf(store, { remoteMedia: 0, thumbnails: -1, previews: 1 }));
      assert.deepEqual(
        jobs.filter((job) => job.isWanted()).map(({ name }) => name),
        ['recurring_purge_previews', 'recurring_purge_held_media_ids'],
      );
      for (const job of jobs) if (job.isWanted()) await job.run(t.signal);
      for (const table of ['url_previews', 'media_id_hold', 'expiring_media'] as const) {
        assert.equal((await db.selectFrom(table).selectAll().execute()).length, 1, table);
      }
    },
  );
}

for (const engine of ENGINES) {
  test(`on ${engine.name}: a service with expireAfterDays removes what has expired when it starts`, {
    skip: engine.skip,
  }, async (t) => {
    const folder = await makeServiceFolder(t, engine, {
      downloads: { expireAfterDays: 30 },
      thumbnails: { expireAfterDays: 30, types: ['image/png'] },
    });
    const service = await startServiceIn(t, folder);
    const picture = await makePng({ width: 700, height: 500 });
    const kept = await uploadBytes(service.ask, picture, { type: 'image/png' });
    const size = '?width=320&height=240&method=scale';
    assert.equal((await service.ask(pathOf(kept, 'thumbnail') + size)).status, 200);
    const expired = await uploadBytes(service.ask, randomBytes(500), { name: 'remote' });
    await service.stop();
    const { db, ...database } = await openServiceDatabase(t, folder);
    await db.updateTable('media').set({ creation_ts: LONG_AGO }).execute();
    await db.updateTable('thumbnails').set({ creation_ts: LONG_AGO }).execute();
    await db
      .updateTable('media')
      .set({ origin: REMOTE, user_id: '' })
      .where('media_id', '=', expired.split('/').at(-1) ?? '')
      .execute();
    await db.deleteFrom('vitrine_leases').execute();
    await database[Symbol.asyncDispose]();
    const next = await startServiceIn(t, folder);
    while ((await listObjects(folder)).length > 1) await setTimeout(20);
    assert.equal((await next.ask(pathOf(kept))).status, 200);
    assert.equal((await next.ask(pathOf(kept, 'thumbnail') + size)).status, 200, 'a thumbnail is made again');
    assert.equal(SERVER_NAME, OUR_NAME);
  });
}
