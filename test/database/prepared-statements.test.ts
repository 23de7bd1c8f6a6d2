import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { sql } from 'kysely';
import pino from 'pino';
import { type Database, findMediaAndRestriction, touchLastAccess } from '../../src/database/index.ts';
import { skipWithoutPgbouncer, startPgbouncer } from '../pgbouncer.ts';
import { usePostgres } from '../postgres.ts';
import { ENGINES, pathOf, startTestService, uploadBytes } from '../service.ts';
import { runSql } from './describe-schema.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();
const about = { skip: postgres.skip };
const [engine] = ENGINES;
const ONE = { maxConnections: 1, maxIdleConnections: 1 };
const OFTEN = 10;

const lookUp = ({ db }: Pick<Database, 'db'>) => findMediaAndRestriction(db, 'example.org', 'a');

async function lookUpOften(database: Pick<Database, 'db'>): Promise<void> {
  for (let asked = 0; asked < OFTEN; asked += 1) assert.equal(await lookUp(database), undefined);
}

/** What is prepared in a connection that is the only one. */
async function prepared({ db }: Database): Promise<readonly string[]> {
  const { rows } = await sql<{
    statement: string;
  }>`select statement from pg_prepared_statements where name <> ''`.execute(db);
  return rows.map(({ statement }) => statement);
}

test('where that is wanted, what is asked often is prepared by the server, and nothing else is', about, async (t) => {
  const options = { postgres: await postgres.createDatabase(t), pool: ONE };
  const usual = await openForTest(t, options);
  await lookUpOften(usual);
  assert.deepEqual(await prepared(usual), []);
  const database = await openForTest(t, { ...options, preparedStatements: true });
  await lookUp(database);
  await lookUpOften(database.patient(t.signal));
  for (let n = 0; n < OFTEN; n += 1) {
    await database.atomically([touchLastAccess(database.db, 'a', n), touchLastAccess(database.db, 'b', n)]);
  }
  assert.deepEqual(await prepared(database), []);
  await lookUpOften(database);
  const statements = await prepared(database);
  assert.equal(statements.length, 1);
  assert.match(statements[0] ?? '', /^select .* from "media"/);
});

test('however many different queries there are, only some are prepared', about, async (t) => {
  const database = await openForTest(t, {
    postgres: await postgres.createDatabase(t),
    pool: ONE,
    preparedStatements: true,
  });
  for (let n = 0; n < 60; n += 1) {
    for (let asked = 0; asked < OFTEN; asked += 1) await sql`select ${sql.lit(n)}::int`.execute(database.db);
  }
  assert.equal((await prepared(database)).length, 50);
});

test('a table that is changed after its query was prepared is asked as it is now', about, async (t) => {
  const url = await postgres.createDatabase(t);
  const database = await openForTest(t, { postgres: url, pool: ONE, preparedStatements: true });
  const all = () => database.db.selectFrom('last_access').selectAll().execute();
  await database.atomically([touchLastAccess(database.db, 'a', 1)]);
  for (let asked = 0; asked < OFTEN; asked += 1) assert.equal((await all()).length, 1);
  await runSql(url, 'ALTER TABLE last_access ADD COLUMN added INT DEFAULT 7');
  for (let asked = 0; asked < OFTEN; asked += 1) {
    assert.deepEqual(await all(), [{ sha256_hash: 'a', last_access_ts: 1, added: 7 }]);
  }
});

test('a pooler that mixes up what was prepared does no harm: the log says so, and nothing is prepared any more', {
  skip: postgres.skip || skipWithoutPgbouncer(),
}, async (t) => {
  const pooled = await startPgbouncer(t, await postgres.createDatabase(t), 'transaction');
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
  const open = () => openForTest(t, { postgres: pooled, preparedStatements: true, log });
  const sharing = [await open(), await open(), await open()];
  await Promise.all([...sharing, ...sharing].map(lookUpOften));
  assert.ok(lines.length <= sharing.length, lines.join()); // none at all where the pooler supports it
  for (const line of lines) assert.match(line, /No more prepared statements: a pooler in between/);

  const { ask } = await startTestService(t, engine, { database: { postgres: pooled, preparedStatements: true } });
  const contents = Array.from({ length: 2 * OFTEN }, () => randomBytes(100));
  const uris = await Promise.all(contents.map((content) => uploadBytes(ask, content)));
  const answers = await Promise.all(uris.map(async (uri) => await (await ask(pathOf(uri))).bytes()));
  assert.deepEqual(
    answers,
    contents.map((content) => new Uint8Array(content)),
  );
});
