import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from '../../src/database/index.ts';
import * as tables from '../../src/database/index.ts';
import { usePostgres } from '../postgres.ts';
import { runSql } from './describe-schema.ts';
import { openExplained } from './explain.ts';
import { FILLED_FROM_TS, fillWithRows, hashOf, mediaOf } from './fill.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();
const ROWS = 100_000;
const PAGE = 200;
const { origin, media_id, user_id } = mediaOf(50_002);
const sha256_hash = hashOf(50_002);
const popular = hashOf(1000);
const place = { datastore_id: 'main', location: '12/34/5' };
const shape = { width: 320, height: 240, method: 'scale', animated: false };
const midTs = FILLED_FROM_TS + 500 * 86_400_000;
const longAgoTs = FILLED_FROM_TS + 86_400_000;
const expired = { ourOrigins: ['example.org'], datastoreIds: ['main', 'small'], limit: PAGE };

const queries: Record<string, (db: Db) => Promise<unknown>> = {
  'a download': (db) => tables.findMediaAndRestriction(db, origin, media_id),
  'a thumbnail': (db) => tables.findThumbnail(db, { origin, media_id, ...shape }),
  'a thumbnail of equal content': (db) => tables.findThumbnailOfContent(db, sha256_hash, shape),
  'an upload': (db) =>
    tables.findKnownContent(db, { sha256_hash, user_id, upload_name: 'a', content_type: 'image/png', origin }),
  'an upload of what everybody has': (db) =>
    tables.findKnownContent(db, {
      ...{ sha256_hash: popular, user_id, upload_name: 'a', content_type: 'image/png', origin },
    }),
  'the usage of a user': (db) => tables.findUserUsage(db, user_id),
  'open reservations': (db) => tables.findOpenReservations(db, user_id, 0, 10),
  'which datastores there are': (db) => tables.distinctDatastoreIds(db, ['media', 'thumbnails']),
  'how much datastores hold': (db) => tables.measureDatastores(db),
  'retention, much to do': (db) => tables.findExpiredRemoteMedia(db, { ...expired, beforeTs: midTs, after: undefined }),
  'retention, nothing to do': (db) =>
    tables.findExpiredRemoteMedia(db, { ...expired, beforeTs: longAgoTs, after: undefined }),
  'retention of thumbnails': (db) => tables.findExpiredThumbnails(db, 'thumbnails', longAgoTs, ['main'], PAGE),
  'a check of rows': (db) => tables.findDescribedObjects(db, 'media', 'main', '80/', PAGE),
  'a check of objects': (db) => tables.findReferenced(db, 'main', [place.location, '12/34/6']),
  'a transfer': (db) => tables.findMovableObjects(db, 'media', 'main', midTs, '80/', PAGE),
  'a transfer of what is old': (db) => tables.findMovableObjects(db, 'media', 'main', longAgoTs, '80/', PAGE),
  'where content is': (db) => tables.findOtherPlaces(db, sha256_hash, place),
  'what is at a place': (db) => tables.findMediaAt(db, place, undefined, PAGE),
  'how much is at a place': (db) => tables.countMediaAt(db, place),
  'whether all at a place can be fetched again': (db) =>
    tables.hasMediaAt(db, place, tables.isNot(tables.isFetchable(['example.org']))),
};

/** However large the rest is, these stay small, or are empty here. */
const SMALL: readonly string[] = ['export_parts', 'vitrine_thumbnail_variants', 'media_attributes'];

test(`of ${ROWS} media, no query of the service reads a table from end to end`, { skip: postgres.skip }, async (t) => {
  const url = await postgres.createDatabase(t);
  await (await openForTest(t, { postgres: url }))[Symbol.asyncDispose]();
  await fillWithRows(url, ROWS);
  await using connection = await openExplained(url);
  const { db, explained } = connection;
  for (const [name, ask] of Object.entries(queries)) {
    await t.test(name, async () => {
      const before = explained.length;
      await ask(db);
      assert.ok(explained.length > before);
      for (const { scanned, plan, indexes } of explained.splice(0)) {
        assert.deepEqual(
          scanned.filter((table) => !SMALL.includes(table)),
          [],
          plan,
        );
        // Half of the rows are of other servers: by this index as much is read as from end to end.
        if (name.startsWith('retention, ')) assert.ok(!indexes.includes('idx_user_id_media'), plan);
      }
    });
  }

  await t.test('a sample tells how much a datastore holds', async () => {
    const exact = await runSql(
      url,
      `SELECT datastore_id, sum(bytes)::float AS bytes FROM (
         SELECT datastore_id, location, max(size_bytes) AS bytes FROM (
           SELECT datastore_id, location, size_bytes FROM media UNION ALL SELECT datastore_id, location, size_bytes FROM thumbnails
         ) AS rows GROUP BY datastore_id, location) AS objects GROUP BY datastore_id`,
    );
    const levels = await tables.measureDatastores(db);
    for (const { datastore_id, bytes } of exact) {
      const told = levels.get(String(datastore_id)) ?? 0;
      assert.ok(Math.abs(told / Number(bytes) - 1) < 0.1, `${datastore_id}: ${told} instead of ${bytes}`);
    }
  });
});
