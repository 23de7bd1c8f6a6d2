import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import pino from 'pino';
import { createOwnCluster, openCluster } from '../src/cluster/index.ts';
import { parseMediaId, parseServerName } from '../src/matrix/index.ts';
import { createMediaRecords } from '../src/media/index.ts';
import { errorOf } from './client.ts';
import { openServiceDatabase } from './database/open.ts';
import { redisOptions, skipWithoutRedis, startRedis, type TestRedis } from './redis.ts';
import {
  type ConfigSections,
  ENGINES,
  listObjects,
  makeServiceFolder,
  pathOf,
  startServiceIn,
  type TestService,
  uploadBytes,
} from './service.ts';

const postgres = ENGINES[1];
const skip = skipWithoutRedis() || postgres.skip;
/** So long it may take until one process knows what another has done. */
const SOON_MS = 1_000;

/** Two processes, as far as they can tell: all that they share is the configuration, and what it names. */
async function startTwo(t: TestContext, redis: TestRedis | undefined, sections: ConfigSections = {}) {
  const shards = redis === undefined ? {} : { redis: { enabled: true, shards: [{ name: 'one', addr: redis.addr }] } };
  const folder = await makeServiceFolder(t, postgres, { ...shards, ...sections });
  const start = (machineId: number) => startServiceIn(t, folder, undefined, undefined, machineId);
  return [await start(0), await start(1)] as const;
}

async function create({ ask }: TestService): Promise<string> {
  const answer = await ask('/_matrix/media/v1/create', { method: 'POST' });
  return ((await answer.json()) as { content_uri: string }).content_uri;
}

function put({ ask }: TestService, contentUri: string, body: string): Promise<Response> {
  return ask(`/_matrix/media/v3/upload/${contentUri.slice('mxc://'.length)}`, { method: 'PUT', body });
}

test('an upload that is awaited at one process comes from the other', { skip }, async (t) => {
  const [one, other] = await startTwo(t, await startRedis(t));
  const uri = await create(one);
  const waiting = one.ask(`${pathOf(uri)}?timeout_ms=30000`);
  await setTimeout(100);
  assert.equal((await put(other, uri, 'hello')).status, 200);
  const startedMs = performance.now();
  assert.equal(await (await waiting).text(), 'hello');
  assert.ok(performance.now() - startedMs < SOON_MS);
});

test('without Redis, it comes a little later', { skip: postgres.skip }, async (t) => {
  const [one, other] = await startTwo(t, undefined);
  const uri = await create(one);
  const waiting = one.ask(`${pathOf(uri)}?timeout_ms=30000`);
  await setTimeout(100);
  assert.equal((await put(other, uri, 'hello')).status, 200);
  assert.equal(await (await waiting).text(), 'hello');
});

test('media that one process has quarantined is gone from all of them within a second', { skip }, async (t) => {
  const redis = await startRedis(t);
  const services = await startTwo(t, redis);
  const uri = await uploadBytes(services[0].ask, Buffer.from('hello'));
  for (const { ask } of services) {
    for (let i = 0; i < 3; i += 1) assert.equal(await (await ask(pathOf(uri))).text(), 'hello');
  }
  await using third = await openCluster(redisOptions([redis]), {
    log: pino({ level: 'silent' }),
    now: Date.now,
    random: Math.random,
  });
  const database = await openServiceDatabase(t, services[0]);
  const records = createMediaRecords({ database, bus: third.bus, now: Date.now });
  await database.db.updateTable('media').set({ quarantined: true }).execute();
  records.forget({ origin: parseServerName('example.org'), mediaId: parseMediaId(uri.split('/').at(-1) ?? '') });
  const startedMs = performance.now();
  for (const { ask } of services) {
    while ((await ask(pathOf(uri))).status !== 404) assert.ok(performance.now() - startedMs < SOON_MS);
  }
});

test('equal content that comes to both processes at once is stored once', { skip }, async (t) => {
  const services = await startTwo(t, await startRedis(t));
  const content = Buffer.alloc(300_000, 'x');
  await Promise.all([0, 1, 0, 1, 0, 1].map((index) => uploadBytes(services[index === 0 ? 0 : 1].ask, content)));
  assert.equal((await listObjects(services[0])).length, 1);
});

/** Much earlier than it would be if nobody else had asked. What was let in is told in the background. */
async function refusedAfterAWhile(ask: () => Promise<Response>): Promise<void> {
  for (let i = 0; i < 5; i += 1) {
    const answer = await ask();
    if (answer.status === 429) return assert.equal((await errorOf(answer)).errcode, 'M_LIMIT_EXCEEDED');
    await setTimeout(300);
  }
  assert.fail('It was let in five times');
}

test('what a client asks of one process counts at the other', { skip }, async (t) => {
  const rateLimit = { enabled: true, requestsPerSecond: 0.001, burst: 10, scope: 'endpoint' };
  const [one, other] = await startTwo(t, await startRedis(t), { rateLimit });
  const path = '/_matrix/client/v1/media/config';
  for (let i = 0; i < 9; i += 1) assert.equal((await one.ask(path)).status, 200);
  await refusedAfterAWhile(() => other.ask(path));
});

test('downloads of one user count together, in bytes', { skip }, async (t) => {
  const downloads = { capacityBytes: 1000, drainBytesPerMinute: 1, overflowLimitBytes: 0 };
  const rateLimit = { enabled: true, requestsPerSecond: 1000, burst: 1000, buckets: { downloads } };
  const [one, other] = await startTwo(t, await startRedis(t), { rateLimit });
  const much = await uploadBytes(one.ask, Buffer.alloc(950));
  assert.equal((await one.ask(pathOf(much))).status, 200);
  const little = await uploadBytes(one.ask, Buffer.alloc(50));
  await refusedAfterAWhile(() => other.ask(pathOf(little)));
});

test('a service works on while Redis is killed, and with it again when it is back', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = await startTwo(t, redis);
  await redis.kill('SIGKILL');
  const startedMs = performance.now();
  const uri = await uploadBytes(one.ask, Buffer.from('hello'));
  assert.equal(await (await other.ask(pathOf(uri))).text(), 'hello');
  assert.equal((await one.ask('/readyz')).status, 200);
  assert.ok(performance.now() - startedMs < 3_000);
  const created = await create(one);
  const waiting = one.ask(`${pathOf(created)}?timeout_ms=30000`);
  assert.equal((await put(other, created, 'late')).status, 200);
  assert.equal(await (await waiting).text(), 'late');

  await redis.restart();
  const again = await create(one);
  const woken = one.ask(`${pathOf(again)}?timeout_ms=30000`);
  await setTimeout(100);
  assert.equal((await put(other, again, 'again')).status, 200);
  assert.equal(await (await woken).text(), 'again');
});

test('a service without Redis does not load its client', async () => {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const main = new URL('../src/main.ts', import.meta.url).href;
  const look = `await import('${main}'); const { openCluster } = await import('${new URL('../src/cluster/index.ts', import.meta.url).href}');
    await openCluster(undefined, { log: undefined, now: Date.now, random: Math.random });
    const { createRequire } = await import('node:module');
    console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('ioredis')).length)`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', look]);
  assert.equal(stdout.trim(), '0');
  assert.equal(createOwnCluster({ now: Date.now }).isShared, false);
});
