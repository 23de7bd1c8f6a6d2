import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { sql } from 'kysely';
import pino from 'pino';
import { type Database, touchLastAccess } from '../../src/database/index.ts';
import { Unavailable } from '../../src/matrix/index.ts';
import { makeAuthority } from '../certificates.ts';
import { lockTable } from '../lock-table.ts';
import { skipWithoutPgbouncer, startPgbouncer } from '../pgbouncer.ts';
import { usePostgres } from '../postgres.ts';
import { runSql } from './describe-schema.ts';
import { createGate } from './gate.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();
const needsServer = { skip: postgres.skip };

const QUERY_SECONDS = 0.5;
const timeouts = { querySeconds: QUERY_SECONDS, maintenanceSeconds: 60 };
/** What a limit of half a second, and the cancelling after it, may take on a busy machine. */
const SOON_MS = 10_000;

const isLate = (error: unknown) => error instanceof Unavailable && /in time/.test(error.message);
const lookAtMedia = ({ db }: Database) => db.selectFrom('media').select('media_id').limit(1).execute();

/** Resolves when nobody waits for a lock of the database any more; with `isThere`, when somebody does. */
async function untilWaiting(url: string, isThere: boolean): Promise<void> {
  const startedMs = performance.now();
  const asking =
    'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = $$Lock$$';
  while ((await runSql(url, asking))[0]?.['n'] === (isThere ? 0 : 1)) {
    assert.ok(performance.now() - startedMs < SOON_MS, `${isThere ? 'nobody' : 'somebody'} waits for the lock`);
  }
}

async function assertSoon(work: PromiseLike<unknown>): Promise<void> {
  const startedMs = performance.now();
  await work;
  assert.ok(performance.now() - startedMs < SOON_MS);
}

const backendOf = async ({ db }: Database) =>
  (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid;

test(
  'a query that waits for a lock ends in time, here and in the server, and its connection is closed',
  needsServer,
  async (t) => {
    const url = await postgres.createDatabase(t);
    const lines: string[] = [];
    const log = pino({}, { write: (line) => lines.push(line) });
    const pool = { maxConnections: 1, maxIdleConnections: 1 };
    const database = await openForTest(t, { postgres: url, pool, timeouts, log });
    const backend = await backendOf(database);
    const unlock = await lockTable(t, url, 'media');
    await assertSoon(assert.rejects(lookAtMedia(database), isLate));
    await untilWaiting(url, false);
    assert.match(lines.join(), /"seconds":0.5,"query":"select \\"media_id\\".*did not answer a query in time/);
    assert.notEqual(await backendOf(database), backend);
    await unlock();
    assert.deepEqual(await lookAtMedia(database), []);
  },
);

test('a transaction that meets a lock in its middle ends in time, and has changed nothing', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const database = await openForTest(t, { postgres: url, timeouts });
  const { db, atomically } = database;
  const unlock = await lockTable(t, url, 'media');
  const queries = [touchLastAccess(db, 'a', 1), db.deleteFrom('media')];
  await assertSoon(assert.rejects(atomically(queries), isLate));
  await unlock();
  assert.deepEqual(await runSql(url, 'SELECT * FROM last_access'), []);
  await atomically(queries);
});

test('a service that stops waits for a database that hangs no longer than it says', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const pool = { maxConnections: 1, maxIdleConnections: 1 };
  const database = await openForTest(t, { postgres: url, pool, timeouts: { ...timeouts, querySeconds: 60 } });
  const unlock = await lockTable(t, url, 'media');
  const isStopping = (error: unknown) => error instanceof Unavailable && /stopping/.test(error.message);
  const running = assert.rejects(lookAtMedia(database), isStopping);
  const waitingForItsConnection = assert.rejects(
    database.atomically([touchLastAccess(database.db, 'a', 1)]),
    isStopping,
  );
  await untilWaiting(url, true);
  database.hurry(50);
  await assertSoon(Promise.all([running, waitingForItsConnection]));
  await assertSoon(assert.rejects(lookAtMedia(database.patient(t.signal)), isStopping));
  await untilWaiting(url, false);
  await unlock();
});

test('a server that falls silent is unavailable in time, and used again when it speaks', needsServer, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  await gate.open();
  const url = `${gate.url}&connect_timeout=1`;
  const database = await openForTest(t, {
    postgres: url,
    timeouts,
    pool: { maxConnections: 2, maxIdleConnections: 2 },
  });
  await Promise.all([backendOf(database), backendOf(database)]);
  gate.fallSilent();
  const asked = Array.from({ length: 6 }, () => assert.rejects(lookAtMedia(database), Unavailable));
  await assertSoon(Promise.all(asked));
  await assertSoon(assert.rejects(lookAtMedia(database), Unavailable));
  gate.speak();
  await assertSoon(untilAnswered(database));
});

/** Connections that were begun in the silence end first. */
async function untilAnswered(database: Database): Promise<void> {
  for (;;) {
    try {
      await lookAtMedia(database);
      return;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }
}

test('a server that has fallen silent does not keep the database from being closed', needsServer, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  await gate.open();
  const database = await openForTest(t, { postgres: gate.url, timeouts: { querySeconds: 60, maintenanceSeconds: 60 } });
  await backendOf(database);
  gate.fallSilent();
  const asked = assert.rejects(lookAtMedia(database), Unavailable);
  await assertSoon(database[Symbol.asyncDispose]());
  await asked;
});

test('who waits for a free connection for too long is told that the database is busy', needsServer, async (t) => {
  const url = `${await postgres.createDatabase(t)}&connect_timeout=1`;
  const pool = { maxConnections: 1, maxIdleConnections: 1 };
  const database = await openForTest(t, { postgres: url, pool });
  const running = new AbortController();
  const long = sql`select pg_sleep(60)`.execute(database.patient(running.signal).db);
  await assertSoon(
    assert.rejects(lookAtMedia(database), (error) => {
      assert.ok(error instanceof Unavailable && error.cause instanceof Error);
      assert.match(error.message, /busy/);
      assert.match(error.cause.message, /database\.pool\.maxConnections/);
      return true;
    }),
  );
  running.abort(new Error('enough'));
  await assert.rejects(long, /enough/);
  await assertSoon(lookAtMedia(database));
});

test(
  'patient work may take longer than a request, until it is stopped, here and in the server',
  needsServer,
  async (t) => {
    const url = await postgres.createDatabase(t);
    const database = await openForTest(t, { postgres: url, timeouts });
    const unlock = await lockTable(t, url, 'media');
    const stopping = new AbortController();
    const patient = database.patient(stopping.signal);
    const first = lookAtMedia(patient);
    await assert.rejects(lookAtMedia(database), isLate); // as long as a request may take
    await unlock();
    assert.deepEqual(await first, []);

    await lockTable(t, url, 'thumbnails');
    const second = patient.atomically([patient.db.deleteFrom('media'), patient.db.deleteFrom('thumbnails')]);
    await untilWaiting(url, true);
    stopping.abort(new Error('the service stops'));
    await assertSoon(assert.rejects(second, /the service stops/));
    await untilWaiting(url, false);
    await assert.rejects(lookAtMedia(patient), /the service stops/);
    await lookAtMedia(database);
  },
);

test(
  'a start that waits for the migration of another one can be stopped, and waits no longer in the server',
  needsServer,
  async (t) => {
    const url = await postgres.createDatabase(t);
    await (await openForTest(t, { postgres: url }))[Symbol.asyncDispose]();
    await lockTable(t, url, 'gomigrate');
    const stopping = new AbortController();
    const opening = openForTest(t, { postgres: url, signal: stopping.signal });
    await untilWaiting(url, true);
    stopping.abort(new Error('the service stops'));
    await assertSoon(assert.rejects(opening, /the service stops/));
    await untilWaiting(url, false);
  },
);

test('a limit of the server is told as ours', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const { db } = await openForTest(t, { postgres: `${url}&statement_timeout=5` }); // not enough to make all tables
  await assert.rejects(sql`select pg_sleep(60)`.execute(db), isLate);
  const { db: other } = await openForTest(t, { postgres: `${url}&lock_timeout=1000` });
  await lockTable(t, url, 'media');
  await assert.rejects(other.selectFrom('media').select('media_id').execute(), isLate);
});

test('a query is cancelled by way of PgBouncer, whose connection others can use then', {
  skip: postgres.skip || skipWithoutPgbouncer(),
}, async (t) => {
  const url = await postgres.createDatabase(t);
  const pooled = await startPgbouncer(t, url, 'transaction'); // with one connection to the server
  const database = await openForTest(t, { postgres: pooled, timeouts });
  await lockTable(t, url, 'media');
  await assertSoon(assert.rejects(lookAtMedia(database), isLate));
  await untilWaiting(url, false);
  await assertSoon(sql`select 1`.execute(database.db));
});

test('where connections are encrypted, a query is cancelled over TLS', needsServer, async (t) => {
  const url = await postgres.createDatabase(t);
  const front = await encrypt(t, url);
  const database = await openForTest(t, { postgres: front.url, timeouts });
  await lockTable(t, url, 'media');
  await assertSoon(assert.rejects(lookAtMedia(database), isLate));
  await untilWaiting(url, false);
  assert.equal(front.inTheClear(), 0);
});

/** Stands before a server and speaks TLS with whoever asks for it. */
async function encrypt(t: TestContext, url: string): Promise<{ url: string; inTheClear: () => number }> {
  const certificate = await (await makeAuthority()).issue(['127.0.0.1']);
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let inTheClear = 0;
  const server = createServer(async (client) => {
    client.on('error', () => undefined);
    const upstream = connect(Number(target.port), target.hostname).on('error', () => undefined);
    for (const socket of [client, upstream]) sockets.add(socket);
    const [request] = (await once(client, 'data')) as [Buffer];
    if (request.length !== 8) {
      inTheClear += 1;
      client.destroy();
      return;
    }
    const secured = new TLSSocket(client, { isServer: true, ...certificate }).on('error', () => undefined);
    client.write('S');
    secured.pipe(upstream).pipe(secured);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The front has no port');
  const through = new URL(url);
  through.port = String(address.port);
  through.searchParams.set('sslmode', 'require');
  return { url: through.href, inTheClear: () => inTheClear };
}
