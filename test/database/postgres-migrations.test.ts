import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import pino from 'pino';
import { DatabaseRefused, findMedia } from '../../src/database/index.ts';
import { lockTable } from '../lock-table.ts';
import { usePostgres } from '../postgres.ts';
import { describeSchema, runSql } from './describe-schema.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();

/** What takes a migration back, written by hand: an old database is not made by the code that has to complete it. */
const undo: Readonly<Record<number, string>> = {
  29: 'DROP TABLE restricted_media',
  28: 'ALTER TABLE background_tasks DROP COLUMN error',
  27: 'CREATE TABLE blurhashes (sha256_hash TEXT PRIMARY KEY NOT NULL, blurhash TEXT NOT NULL)',
  26: 'DROP INDEX idx_datastore_id_media, idx_datastore_id_thumbnails',
  24: 'ALTER TABLE media_id_hold DROP COLUMN held_ts',
  23: 'DROP INDEX idx_datastore_id_location_media, idx_datastore_id_location_thumbnails',
  22: 'DROP INDEX idx_creation_ts_thumbnails',
  21: 'ALTER TABLE background_tasks ALTER COLUMN end_ts DROP NOT NULL',
  20: 'DROP TABLE media_id_hold',
  19: 'DROP TABLE expiring_media',
  17: 'DROP TRIGGER media_change_for_user ON media; DROP FUNCTION track_update_user_media; DROP TABLE user_stats',
  16: 'DROP TABLE media_attributes',
  15: 'ALTER TABLE url_previews DROP COLUMN language_header',
  14: 'DROP TABLE blurhashes',
};

async function makeOldDatabase(t: TestContext, newest: number): Promise<string> {
  const url = await postgres.createDatabase(t);
  await (await openForTest(t, { postgres: url }))[Symbol.asyncDispose]();
  for (let number = 29; number > newest; number--) {
    await runSql(url, `${undo[number] ?? ''}; DELETE FROM gomigrate WHERE migration_id = ${number}`);
  }
  await runSql(url, `SELECT setval('gomigrate_id_seq', ${newest})`);
  if (newest < 29)
    await runSql(
      url,
      `DROP TABLE vitrine_schema, vitrine_blurhashes, vitrine_thumbnail_variants, vitrine_processes,
        vitrine_task_states, vitrine_leases`,
    );
  return url;
}

const insertMediaOfAlice = `INSERT INTO media (origin, media_id, upload_name, content_type, user_id, sha256_hash,
  size_bytes, location, creation_ts, datastore_id) VALUES ('example.org', 'old', 'a.png', 'image/png',
  '@alice:example.org', 'abc', 42, 'aa/bb/cc', 1600000000000, 'main')`;

for (const [release, newest] of [
  ['1.0', 13],
  ['1.2', 18],
  ['1.3.0', 26],
  ['1.3.4', 28],
] as const) {
  test(`a database of MMR ${release} is completed and keeps its media`, { skip: postgres.skip }, async (t) => {
    const fresh = await makeOldDatabase(t, 29);
    const url = await makeOldDatabase(t, newest);
    await runSql(url, insertMediaOfAlice);

    const { db } = await openForTest(t, { postgres: url });

    assert.deepEqual(await describeSchema(url), await describeSchema(fresh));
    assert.equal((await findMedia(db, 'example.org', 'old'))?.size_bytes, 42);
    assert.deepEqual(await db.selectFrom('user_stats').selectAll().execute(), [
      { user_id: '@alice:example.org', uploaded_bytes: 42 },
    ]);
  });
}

test('rows from before a column was required get its empty value', { skip: postgres.skip }, async (t) => {
  const url = await makeOldDatabase(t, 18);
  await runSql(url, `INSERT INTO background_tasks (task, params, start_ts, end_ts) VALUES ('old', '{}', 1, NULL)`);
  const { db } = await openForTest(t, { postgres: url });
  const task = await db.selectFrom('background_tasks').selectAll().executeTakeFirst();
  assert.deepEqual(task, { id: 1, task: 'old', params: {}, start_ts: 1, end_ts: 0, error: '' });
});

test('a complete MMR database is opened without a change', { skip: postgres.skip }, async (t) => {
  const url = await makeOldDatabase(t, 29);
  const before = await describeSchema(url);
  await openForTest(t, { postgres: url });
  assert.deepEqual(await describeSchema(url), before);
});

test('a migration that was left out is made up for', { skip: postgres.skip }, async (t) => {
  const fresh = await makeOldDatabase(t, 29);
  const url = await makeOldDatabase(t, 29);
  await runSql(url, `${undo[20]}; DELETE FROM gomigrate WHERE migration_id IN (20, 24)`);
  await openForTest(t, { postgres: url });
  const [found, expected] = [await describeSchema(url), await describeSchema(fresh)];
  assert.deepEqual(found.columns, expected.columns);
  assert.deepEqual(found.indexes, expected.indexes);
  assert.deepEqual(found.migrations.map(([, number]) => number).slice(-2), [20, 24]);
});

test('a bookkeeping that MMR has only just made is filled', { skip: postgres.skip }, async (t) => {
  const fresh = await makeOldDatabase(t, 29);
  const url = await postgres.createDatabase(t);
  await runSql(url, 'CREATE TABLE gomigrate (id SERIAL PRIMARY KEY, migration_id BIGINT UNIQUE NOT NULL)');
  await openForTest(t, { postgres: url });
  assert.deepEqual(await describeSchema(url), await describeSchema(fresh));
});

const refused = {
  'a newer MMR has changed': {
    sql: 'INSERT INTO gomigrate (migration_id) VALUES (30)',
    newest: 29,
    message: /newer matrix-media-repo.*migration 30.*Nothing was changed/,
  },
  'a newer MMR has changed, although an older migration is missing': {
    sql: 'DROP TABLE expiring_media; DELETE FROM gomigrate WHERE migration_id = 19; INSERT INTO gomigrate (migration_id) VALUES (31)',
    newest: 29,
    message: /migration 31/,
  },
  'a newer Vitrine has changed': {
    sql: 'INSERT INTO vitrine_schema (version) VALUES (1000)',
    newest: 29,
    message: /newer Vitrine.*version 1000.*Nothing was changed/,
  },
  'belongs to another program': {
    sql: 'CREATE TABLE orders (id INT); CREATE TABLE customers (id INT)',
    newest: undefined,
    message: /belongs to something else: found tables customers, orders in schema "public"\. Nothing was changed/,
  },
  'belongs to a program with the same bookkeeping': {
    sql: `CREATE TABLE gomigrate (id SERIAL PRIMARY KEY, migration_id BIGINT UNIQUE NOT NULL);
      INSERT INTO gomigrate (migration_id) VALUES (1), (2)`,
    newest: undefined,
    message: /belongs to something else: found migrations in gomigrate but no table media/,
  },
};

for (const [whose, { sql, newest, message }] of Object.entries(refused)) {
  test(`a database that ${whose} is refused and stays as it is`, { skip: postgres.skip }, async (t) => {
    const url = newest === undefined ? await postgres.createDatabase(t) : await makeOldDatabase(t, newest);
    await runSql(url, sql);
    const before = await describeSchema(url);
    await assert.rejects(openForTest(t, { postgres: url }), (error) => {
      assert.ok(error instanceof DatabaseRefused);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(await describeSchema(url), before);
  });
}

test('tables of Vitrine, and those of other schemas, do not make a database foreign', {
  skip: postgres.skip,
}, async (t) => {
  const url = await postgres.createDatabase(t);
  await runSql(url, 'CREATE TABLE vitrine_notes (id INT); CREATE SCHEMA other; CREATE TABLE other.gomigrate (id INT)');
  await openForTest(t, { postgres: url });
  assert.equal((await describeSchema(url)).migrations.length, 29);
});

test('two processes that start together on a new database both get it', { skip: postgres.skip }, async (t) => {
  const url = await postgres.createDatabase(t);
  await Promise.all([openForTest(t, { postgres: url }), openForTest(t, { postgres: url })]);
  assert.equal((await describeSchema(url)).migrations.length, 29);
});

test('two processes that start together on an old database both get it', { skip: postgres.skip }, async (t) => {
  const url = await makeOldDatabase(t, 18);
  await Promise.all([openForTest(t, { postgres: url }), openForTest(t, { postgres: url })]);
  assert.equal((await describeSchema(url)).migrations.length, 29);
});

test('who waits for another one that changes the tables says so', { skip: postgres.skip }, async (t) => {
  const url = await makeOldDatabase(t, 28);
  const unlock = await lockTable(t, url, 'media'); // the first one to start waits for it
  const said = Promise.withResolvers<void>();
  const write = (line: string) => void (line.includes('Waiting for another Vitrine') && said.resolve());
  const log = pino({}, { write });
  const opening = [openForTest(t, { postgres: url, log }), openForTest(t, { postgres: url, log })];
  await said.promise;
  await unlock();
  await Promise.all(opening);
});

test('a role that may not make tables is told so', { skip: postgres.skip }, async (t) => {
  const url = new URL(await postgres.createDatabase(t));
  const role = url.pathname.slice(1); // as unique as the database
  const limited = new URL(url);
  limited.username = role;
  limited.password = 'weak';
  await runSql(url.href, `CREATE ROLE ${role} LOGIN PASSWORD 'weak'`);
  try {
    await assert.rejects(
      openForTest(t, { postgres: limited.href }),
      /PostgreSQL refuses: permission denied.*owns the tables/,
    );
  } finally {
    await runSql(url.href, `DROP ROLE ${role}`);
  }
});
