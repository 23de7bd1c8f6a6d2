// What each request asks of PostgreSQL, with ten thousand media and with a million, or as many as VITRINE_BENCH_ROWS says: the
// cost must not grow with the rows. And how much less it is with prepared statements. Ten million rows take a quarter of an hour and more
// than 10 GB.

import { totalmem } from 'node:os';
import { Client } from 'pg';
import pino from 'pino';
import {
  type Database,
  type Db,
  findExpiredRemoteMedia,
  findKnownContent,
  findMediaAndRestriction,
  findThumbnail,
  findUserUsage,
  measureDatastores,
  openDatabase,
} from '../src/database/index.ts';
import { FILLED_FROM_TS, fillWithRows, hashOf, mediaOf } from '../test/database/fill.ts';
import { startServer } from '../test/postgres.ts';
import { median, report } from './report.ts';

const FEW = 10_000;
const MANY = Number(process.env['VITRINE_BENCH_ROWS'] ?? 1_000_000);
/** A block with few rows, a block with many, and so on: what else the machine does meets both. */
const BLOCKS = 20;
const ASKED_PER_BLOCK = 100;
const DAY_MS = 86_400_000;

/** So that it is rows that cost, not what has not been read yet. As much as there is room for. */
async function warmUp(url: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query('CREATE EXTENSION pg_prewarm');
  const tables = `'media', 'thumbnails', 'last_access', 'user_stats'`;
  await client.query(`SELECT pg_prewarm(oid) FROM pg_class WHERE relname IN (${tables})`);
  await client.query(`SELECT pg_prewarm(indexrelid) FROM pg_index WHERE indrelid::regclass::text IN (${tables})`);
  await client.end();
}

interface Filled extends AsyncDisposable {
  readonly rows: number;
  readonly database: Database;
}

interface Opened extends Filled {
  /** The same with prepared statements. */
  readonly prepared: Filled;
}

async function open(serverUrl: string, rows: number): Promise<Opened> {
  const name = `bench_${rows}`;
  const admin = new Client(serverUrl);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const options = {
    pool: { maxConnections: 4, maxIdleConnections: 4 },
    timeouts: { querySeconds: 30, maintenanceSeconds: 3600 },
    log: pino({ level: 'silent' }),
    now: Date.now,
    signal: new AbortController().signal,
    postgres: url.href,
  };
  await (await openDatabase(options))[Symbol.asyncDispose]();
  await fillWithRows(url.href, rows);
  await warmUp(url.href);
  const database = await openDatabase(options);
  const prepared = await openDatabase({ ...options, preparedStatements: true });
  const filled = (one: Database) => ({ rows, database: one, [Symbol.asyncDispose]: () => one[Symbol.asyncDispose]() });
  return {
    ...filled(database),
    prepared: filled(prepared),
    async [Symbol.asyncDispose]() {
      await prepared[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const shape = { width: 320, height: 240, method: 'scale', animated: false };
const about = { upload_name: 'picture.jpg', content_type: 'image/jpeg' };
const QUESTIONS: Readonly<Record<string, (db: Db, n: number) => Promise<unknown>>> = {
  'look-up of a download': (db, n) => findMediaAndRestriction(db, mediaOf(n).origin, mediaOf(n).media_id),
  'look-up of a thumbnail': (db, n) => findThumbnail(db, { ...mediaOf(n), ...shape }),
  'look-up of an upload': (db, n) => findKnownContent(db, { ...mediaOf(n), ...about, sha256_hash: hashOf(n) }),
  'totals of a user': (db, n) => findUserUsage(db, mediaOf(n - (n % 2)).user_id),
};

/** The median of one block, in ms. */
async function timeBlock({ rows, database }: Filled, ask: (db: Db, n: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let asked = 0; asked < ASKED_PER_BLOCK; asked += 1) {
    const n = 2 + Math.floor(Math.random() * (rows - 2));
    const startedMs = performance.now();
    await ask(database.db, n);
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

// A quarter of the memory, as PostgreSQL's manual advises: its default would hold one database in memory, and not the other.
const serverUrl = await startServer([`shared_buffers=${Math.floor(totalmem() / 4 / 1024)}kB`]);
if (serverUrl === undefined) throw new Error('There is no PostgreSQL');
await using few = await open(serverUrl, FEW);
await using many = await open(serverUrl, MANY);
const shown = MANY.toLocaleString('en');
for (const [name, ask] of Object.entries(QUESTIONS)) {
  for (const filled of [few, many]) await timeBlock(filled, ask); // connections and catalogues
  const ratios: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const small = await timeBlock(few, ask);
    ratios.push((await timeBlock(many, ask)) / small);
  }
  report({ name: `${name}, ${shown} rows: 10,000`, value: median(ratios), unit: '×', target: { atMost: 1.1 } });
  await timeBlock(few.prepared, ask); // from here on its query has a name
  const shares: number[] = [];
  for (let block = 0; block < BLOCKS; block += 1) {
    const usual = await timeBlock(few, ask);
    shares.push((await timeBlock(few.prepared, ask)) / usual);
  }
  report({ name: `${name}, prepared : not`, value: median(shares), unit: '×', target: { atMost: 0.9 } });
}
report({
  name: `how much datastores hold, ${shown} rows`,
  value: await secondsOf(() => measureDatastores(many.database.db)),
  unit: 's',
  target: { atMost: 2 },
});
const nothing = { beforeTs: FILLED_FROM_TS - DAY_MS, after: undefined, limit: 200 };
report({
  name: `retention with nothing to do, ${shown} rows`,
  value: await secondsOf(() =>
    findExpiredRemoteMedia(many.database.db, { ...nothing, ourOrigins: ['example.org'], datastoreIds: ['main'] }),
  ),
  unit: 's',
  target: { atMost: 0.1 },
});
