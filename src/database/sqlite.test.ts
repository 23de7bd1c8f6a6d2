import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { sql } from 'kysely';
import pino from 'pino';
import { StorageFull, Unavailable } from '../matrix/index.ts';
import type { Database } from './database.ts';
import { DatabaseRefused, UniqueViolation } from './errors.ts';
import { openSqlite } from './sqlite.ts';
import { startSqliteThread } from './sqlite-thread.ts';

const log = pino({ level: 'silent' });

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-sqlite-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function open(t: TestContext, file: string): Promise<Database> {
  const database = await openSqlite({ file, log });
  t.after(() => database[Symbol.asyncDispose]());
  return database;
}

const refusing = (message: RegExp) => (error: unknown) =>
  error instanceof DatabaseRefused && message.test(error.message);

const hold = ({ db }: Database, media_id: string) =>
  db.insertInto('media_id_hold').values({ origin: 'example.org', media_id, reason: 'media_create' });

const countHolds = async ({ db }: Database) =>
  (
    await db
      .selectFrom('media_id_hold')
      .select((where) => where.fn.countAll<number>().as('count'))
      .executeTakeFirst()
  )?.count;

/** Counts the commits in a write-ahead log: each ends with a frame that carries the size of the database. */
async function countCommits(file: string): Promise<number> {
  const wal = await readFile(`${file}-wal`);
  const frameBytes = 24 + wal.readUInt32BE(8);
  let commits = 0;
  for (let frame = 32; frame < wal.length; frame += frameBytes) if (wal.readUInt32BE(frame + 4) > 0) commits += 1;
  return commits;
}

test('200 writers at the same time share a few commits', async (t) => {
  const file = join(await makeFolder(t), 'media.db');
  const database = await open(t, file);
  const before = await countCommits(file);
  await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      n % 2 === 0 ? database.atomically([hold(database, `${n}`)]) : hold(database, `${n}`).execute(),
    ),
  );
  assert.equal(await countHolds(database), 200);
  assert.ok((await countCommits(file)) - before < 40, `${(await countCommits(file)) - before} commits`);
});

test('of writers at the same time one that fails fails alone', async (t) => {
  const database = await open(t, join(await makeFolder(t), 'media.db'));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, n) =>
      database.atomically([hold(database, `own ${n}`), hold(database, n % 10 === 5 ? 'the same' : `${n}`)]),
    ),
  );
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(failed.length, 4);
  for (const { reason } of failed) assert.ok(reason instanceof UniqueViolation && reason.table === 'media_id_hold');
  assert.equal(await countHolds(database), 2 * 46);
});

test('what was written is there after closing and opening, and nothing but the file is needed', async (t) => {
  const folder = await makeFolder(t);
  const first = await open(t, join(folder, 'media.db'));
  await first.atomically([hold(first, 'a')]);
  const last = first.atomically([hold(first, 'b')]);
  await first[Symbol.asyncDispose]();
  await last;
  await rm(join(folder, 'media.db-wal'), { force: true });
  assert.equal(await countHolds(await open(t, join(folder, 'media.db'))), 2);
});

test('the file is durable and checks what it is told to check', async (t) => {
  const { db } = await open(t, join(await makeFolder(t), 'media.db'));
  const pragma = async (name: string) =>
    Object.values((await sql<object>`pragma ${sql.raw(name)}`.execute(db)).rows[0] ?? {})[0];
  assert.equal(await pragma('journal_mode'), 'wal');
  assert.equal(await pragma('synchronous'), 2); // FULL
  assert.equal(await pragma('foreign_keys'), 1);
  assert.equal(await pragma('busy_timeout'), 5_000);
});

test('a second one on the same file is refused, also by another name, until the first has gone', async (t) => {
  const folder = await makeFolder(t);
  const file = join(folder, 'media.db');
  const first = await open(t, file);
  await symlink(file, join(folder, 'link.db'));
  const inUse = refusing(/media\.db is in use by another Vitrine.*PostgreSQL database \(database\.postgres\)/);
  await assert.rejects(open(t, file), inUse);
  await assert.rejects(open(t, join(folder, 'link.db')), inUse);
  await first.check(t.signal);
  await first[Symbol.asyncDispose]();
  await (await open(t, file)).check(t.signal);
});

test('a process that was killed leaves no lock behind', async (t) => {
  const file = join(await makeFolder(t), 'media.db');
  const thread = await startSqliteThread(file, () => undefined);
  await thread.kill();
  await (await open(t, file)).check(t.signal);
});

test('a file that cannot be made is refused with its name', async (t) => {
  const folder = await makeFolder(t);
  await assert.rejects(open(t, join(folder, 'nowhere', 'media.db')), refusing(/folder.*does not exist: .*nowhere/));
  await mkdir(join(folder, 'taken.db'));
  await assert.rejects(open(t, join(folder, 'taken.db')), refusing(/taken\.db cannot be opened: unable to open/));
});

test('a file that is no SQLite database is refused and stays as it is', async (t) => {
  const file = join(await makeFolder(t), 'notes.txt');
  const text = 'not a database, '.repeat(100);
  await writeFile(file, text);
  await assert.rejects(open(t, file), refusing(/notes\.txt cannot be opened: file is not a database/));
  assert.equal(await readFile(file, 'utf8'), text);
});

test('a database of another program is refused and stays as it is', async (t) => {
  const file = join(await makeFolder(t), 'orders.db');
  const theirs = new DatabaseSync(file);
  theirs.exec('CREATE TABLE orders (id INTEGER); CREATE TABLE customers (id INTEGER)');
  await assert.rejects(open(t, file), refusing(/orders\.db belongs to something else: found tables customers, orders/));
  assert.equal(theirs.prepare('SELECT count(*) AS count FROM sqlite_schema').get()?.['count'], 2);
  theirs.close();
});

test('a database of an older Vitrine gets the tables that it lacks, and keeps its rows', async (t) => {
  const file = join(await makeFolder(t), 'media.db');
  const before = await open(t, file);
  await before.atomically([hold(before, 'kept')]);
  await before[Symbol.asyncDispose]();
  const older = new DatabaseSync(file);
  const newer = [
    'vitrine_blurhashes',
    'vitrine_thumbnail_variants',
    'vitrine_processes',
    'vitrine_task_states',
    'vitrine_leases',
  ] as const;
  for (const table of newer) older.exec(`DROP TABLE ${table}`);
  older.exec('DELETE FROM vitrine_schema WHERE version > 1');
  older.close();

  const database = await open(t, file);
  assert.equal(await countHolds(database), 1);
  for (const table of newer) {
    assert.deepEqual(await database.db.selectFrom(table).selectAll().execute(), []);
  }
});

test('a database that a newer Vitrine has changed is refused', async (t) => {
  const file = join(await makeFolder(t), 'media.db');
  await (await open(t, file))[Symbol.asyncDispose]();
  const newer = new DatabaseSync(file);
  newer.exec('INSERT INTO vitrine_schema (version) VALUES (1000)');
  newer.close();
  await assert.rejects(
    open(t, file),
    refusing(/A newer Vitrine has changed .*media\.db: its tables have version 1000/),
  );
});

test('a full disk is told apart from other trouble, and the next small write fits', async (t) => {
  const database = await open(t, join(await makeFolder(t), 'media.db'));
  const { db } = database;
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db);
  await sql`pragma max_page_count = ${sql.raw(String((rows[0]?.page_count ?? 0) + 4))}`.execute(db);
  await assert.rejects(database.atomically([hold(database, 'x'.repeat(1_000_000))]), StorageFull);
  await database.atomically([hold(database, 'small')]);
});

test('when the thread is lost, who waits and who comes after learn that the database is away', async (t) => {
  const lost = Promise.withResolvers<unknown>();
  const thread = await startSqliteThread(join(await makeFolder(t), 'media.db'), lost.resolve);
  const question = { kind: 'read', statement: { sql: 'SELECT 1', parameters: [] } } as const;
  await thread.run({ kind: 'begin', transaction: 1 });
  const waiting = assert.rejects(thread.run(question), Unavailable); // for the end of the transaction
  await thread.kill();
  await waiting;
  assert.ok((await lost.promise) instanceof Error);
  await assert.rejects(thread.run(question), Unavailable);
  await thread[Symbol.asyncDispose]();
});

test('a value that SQLite cannot hold is refused before it is sent', async (t) => {
  const { db } = await open(t, ':memory:');
  const query = db.insertInto('exports').values({ export_id: 'a', entity: new Date(0) as never });
  await assert.rejects(query.execute(), TypeError);
});
