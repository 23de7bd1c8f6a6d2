import assert from 'node:assert/strict';
import test from 'node:test';
import { sql } from 'kysely';
import pino from 'pino';
import { type Database, DatabaseRefused, touchLastAccess } from '../../src/database/index.ts';
import { Unavailable } from '../../src/matrix/index.ts';
import { usePostgres } from '../postgres.ts';
import { runSql } from './describe-schema.ts';
import { createGate } from './gate.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();
const needsServer = { skip: postgres.skip };

/** A log, and the promise of the first line with this message in it. */
function listenFor(message: string): { log: pino.Logger; heard: Promise<void>; lines: string[] } {
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const lines: string[] = [];
  const write = (line: string) => {
    lines.push(line);
    if (line.includes(message)) resolve();
  };
  const log = pino({}, { write });
  return { log, heard, lines };
}

const isUnavailable = (error: unknown) => error instanceof Unavailable && error.retryAfterSeconds > 0;

async function backendOf({ db }: Database): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid, pg_sleep(0.02)`.execute(db);
  return rows[0]?.pid ?? 0;
}

const backendsOf = (database: Database, howMany: number): Promise<number[]> =>
  Promise.all(Array.from({ length: howMany }, () => backendOf(database)));

test('a server that is not there yet is waited for, and the log says so', needsServer, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  const { log, heard, lines } = listenFor('Waiting for PostgreSQL');
  const opening = openForTest(t, { postgres: gate.url, log });
  await heard;
  assert.doesNotMatch(lines.join(), /secret/);
  await gate.open();
  await (await opening).check(t.signal);
});

test('the log is not filled while a server is waited for', needsServer, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  const { log, lines } = listenFor('nothing');
  let nowTs = 0;
  let looks = 0;
  const enough = Promise.withResolvers<void>();
  const now = () => {
    looks += 1;
    if (looks === 4) enough.resolve();
    return nowTs++; // hardly any time passes
  };
  const aborting = new AbortController();
  const opening = openForTest(t, { postgres: gate.url, log, now, signal: aborting.signal });
  await enough.promise;
  aborting.abort(new Error('stopped'));
  await assert.rejects(opening, /stopped/);
  assert.equal(lines.length, 1);
});

test('a database that is not made yet is waited for', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const later = new URL(url);
  later.pathname += '_later';
  const name = later.pathname.slice(1);
  const { log, heard } = listenFor('Waiting for PostgreSQL');
  const opening = openForTest(t, { postgres: later.href, log });
  await heard;
  await runSql(url, `CREATE DATABASE ${name}`);
  const database = await opening;
  await database.check(t.signal);
  await database[Symbol.asyncDispose]();
  await runSql(url, `DROP DATABASE ${name} WITH (FORCE)`);
});

test('a standby is waited for until it can be written to', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const name = new URL(url).pathname.slice(1);
  await runSql(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const { log, heard, lines } = listenFor('Waiting for PostgreSQL');
  const opening = openForTest(t, { postgres: url, log });
  await heard;
  assert.match(lines.join(), /can only be read/);
  await runSql(url, `SET TRANSACTION READ WRITE; ALTER DATABASE ${name} RESET default_transaction_read_only`);
  await (await opening).check(t.signal);
});

test('waiting ends when the signal says so', needsServer, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  const { log, heard } = listenFor('Waiting for PostgreSQL');
  const aborting = new AbortController();
  const opening = openForTest(t, { postgres: gate.url, log, signal: aborting.signal });
  await heard;
  aborting.abort(new Error('the service stops'));
  await assert.rejects(opening, /the service stops/);
});

for (const [what, change, message] of [
  ['a wrong password', (url: URL) => (url.password = 'not-it'), /password authentication failed/],
  ['an unknown role', (url: URL) => (url.username = 'nobody'), /password authentication failed/],
  ['TLS that the server does not have', (url: URL) => url.searchParams.delete('sslmode'), /Add sslmode=disable/],
  ['a setting that the server does not know', (url: URL) => url.searchParams.set('colour', 'red'), /"colour"/],
] as const) {
  test(`${what} is refused at once, with a reason and without the password`, needsServer, async (t) => {
    const url = new URL(await postgres.createDatabase(t));
    change(url);
    await assert.rejects(openForTest(t, { postgres: url.href }), (error) => {
      assert.ok(error instanceof DatabaseRefused);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /not-it|secret/);
      return true;
    });
  });
}

test(
  'settings in the connection string reach the server, and so do key=value pairs and a socket',
  needsServer,
  async (t) => {
    const url = new URL(await postgres.createDatabase(t));
    const folder = String((await runSql(url.href, 'SHOW unix_socket_directories'))[0]?.['unix_socket_directories']);
    const dsn = `host=${folder} port=${url.port} user=${url.username} password='${url.password}' dbname=${url.pathname.slice(1)}
    application_name='my \\'own\\' name' statement_timeout=12s search_path='public, pg_catalog'`;
    const { db } = await openForTest(t, { postgres: dsn });
    const { rows } = await sql<Record<string, string>>`
    select current_setting('application_name') as name, current_setting('statement_timeout') as timeout,
      current_setting('search_path') as path, inet_server_addr() is null as by_socket`.execute(db);
    assert.deepEqual(rows, [{ name: "my 'own' name", timeout: '12s', path: 'public, pg_catalog', by_socket: true }]);
  },
);

test('a server that goes away is unavailable, and is used again when it is back', needsServer, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  await gate.open();
  const database = await openForTest(t, { postgres: gate.url });
  const { db, check, atomically } = database;
  const running = [
    sql`select pg_sleep(60)`.execute(db),
    db.transaction().execute((open) => sql`select pg_sleep(60)`.execute(open)),
  ].map((query) => assert.rejects(query, isUnavailable));
  await backendsOf(database, 3); // so that idle connections break too

  await gate.shut();
  await Promise.all(running);
  await assert.rejects(check(t.signal), isUnavailable);
  await assert.rejects(atomically([db.deleteFrom('media'), db.deleteFrom('thumbnails')]), isUnavailable);
  await assert.rejects(db.selectFrom('media').selectAll().execute(), isUnavailable);

  await gate.open();
  await check(t.signal);
  await atomically([db.deleteFrom('media'), db.deleteFrom('thumbnails')]);
});

test('a server that ends our connections, as when it restarts, is only a moment away', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const { log, heard } = listenFor('An idle connection to PostgreSQL broke');
  const { db, check } = await openForTest(t, { postgres: url, log });
  const endAll =
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()';
  await check(t.signal);
  await runSql(url, endAll);
  await heard;
  await check(t.signal);

  const asked = sql`select pg_sleep(60)`.execute(db);
  const ended = assert.rejects(asked, isUnavailable);
  // The query has reached the server when the server lists it.
  await runSql(
    url,
    `DO $$ BEGIN
       WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'select pg_sleep(60)' AND datname = current_database()) LOOP
         PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot();
       END LOOP;
     END $$`,
  );
  await runSql(url, endAll);
  await ended;
  await check(t.signal);
});

test(
  'of two transactions that wait for each other, the one that the server ends is run again',
  needsServer,
  async (t) => {
    const { db, atomically } = await openForTest(t, { postgres: await postgres.createDatabase(t) });
    await atomically([touchLastAccess(db, 'one', 1), touchLastAccess(db, 'other', 1)]);
    const one = touchLastAccess(db, 'one', 2);
    const other = touchLastAccess(db, 'other', 2);
    const wait = { compile: () => sql`select pg_sleep(0.3)`.compile(db) };
    await Promise.all([atomically([one, wait, other]), atomically([other, wait, one])]);
  },
);

test('no more connections are made than the configuration allows', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const database = await openForTest(t, { postgres: url, pool: { maxConnections: 2, maxIdleConnections: 2 } });
  assert.equal(new Set(await backendsOf(database, 8)).size, 2);
});

test('without a limit, every query that comes gets a connection', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const database = await openForTest(t, { postgres: url, pool: { maxConnections: 0, maxIdleConnections: 20 } });
  assert.equal(new Set(await backendsOf(database, 20)).size, 20);
});

for (const [maxIdleConnections, kept] of [
  [1, 1],
  [2, 2],
  [0, 0],
  [-1, 0],
] as const) {
  test(`of idle connections ${kept} are kept when the limit is ${maxIdleConnections}`, needsServer, async (t) => {
    const url = await postgres.createDatabase(t);
    const database = await openForTest(t, { postgres: url, pool: { maxConnections: 4, maxIdleConnections } });
    const before = new Set(await backendsOf(database, 4));
    const after = new Set(await backendsOf(database, 4));
    assert.equal(before.intersection(after).size, kept);
  });
}

test('a value that PostgreSQL does not take is an error of that query only', needsServer, async (t) => {
  const { db, check } = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  const query = db.insertInto('exports').values({ export_id: 'a\0b', entity: 'example.org' }).execute();
  await assert.rejects(query, (error) => !(error instanceof Unavailable));
  await check(t.signal);
});

test('a closed database is unavailable', needsServer, async (t) => {
  const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  await database[Symbol.asyncDispose]();
  await assert.rejects(database.check(t.signal), isUnavailable);
});
