import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { redisOptions, skipWithoutRedis, startRedis, type TestRedis } from '../../../test/redis.ts';
import { openLog } from '../../telemetry/index.ts';
import { type Cluster, openCluster, type RedisOptions } from '../index.ts';

const skip = skipWithoutRedis();
const patient = new AbortController().signal;
const LIMITS = { maxValueBytes: 1000, maxBytes: 100_000 };
const TIMEOUT_MS = 1_000;
/** Of patience, for a machine that has a lot to do. */
const SLACK_MS = 2_000;

async function join(t: TestContext, servers: readonly Pick<TestRedis, 'addr'>[], others: Partial<RedisOptions> = {}) {
  const logged: { level: string; msg: string; reason?: string }[] = [];
  const output = (line: string) => void logged.push(JSON.parse(line));
  const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: Date.now, output });
  const options = redisOptions(servers, { timeoutMs: TIMEOUT_MS, ...others });
  const cluster = await openCluster(options, { log, now: Date.now, random: Math.random });
  t.after(() => cluster[Symbol.asyncDispose]());
  return { cluster, logged, cache: cluster.openCache('tests', LIMITS) };
}

async function useLock({ locks }: Cluster): Promise<void> {
  await using _lock = await locks.acquire('a', patient);
}

/** Waits for the condition, looking all the time; the test's own time limit ends it. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setImmediate();
}

test('without Redis, locks and caches are those of the process, and there is one warning', { skip }, async (t) => {
  const redis = await startRedis(t);
  const { cluster, logged, cache } = await join(t, [redis]);
  await cache.set('a', Uint8Array.of(1), 60_000);
  await redis.kill('SIGKILL');
  let holders = 0;
  const work = async () => {
    await using _lock = await cluster.locks.acquire('a', patient);
    holders += 1;
    assert.equal(holders, 1);
    await setImmediate();
    holders -= 1;
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: 200 }, work));
  assert.equal(await cache.get('a'), undefined);
  await cache.set('b', Uint8Array.of(2), 60_000);
  assert.deepEqual([...((await cache.get('b')) ?? [])], [2]);
  cluster.bus.publish('upload_mxc', 'x');
  assert.ok(performance.now() - startedMs < TIMEOUT_MS + SLACK_MS);
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['warning'],
  );

  await redis.restart();
  await until(() => logged.length === 2);
  assert.deepEqual(logged[1]?.msg, 'Redis is there');
  await cache.set('c', Uint8Array.of(3), 60_000);
  const other = await join(t, [redis]);
  assert.deepEqual([...((await other.cache.get('c')) ?? [])], [3]);
});

test('nobody waits longer than the limit for a Redis that takes what it is asked and says nothing', {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  const { cluster, cache, logged } = await join(t, [redis]);
  await redis.kill('SIGSTOP');
  const startedMs = performance.now();
  await Promise.all([useLock(cluster), cache.get('a'), cache.set('a', Uint8Array.of(1), 1000)]);
  assert.ok(performance.now() - startedMs < TIMEOUT_MS + SLACK_MS);
  const laterMs = performance.now();
  for (let i = 0; i < 20; i += 1) await useLock(cluster);
  assert.ok(performance.now() - laterMs < TIMEOUT_MS);
  await redis.kill('SIGCONT');
  await until(() => logged.some(({ msg }) => msg === 'Redis is there'));
  const again = performance.now();
  await useLock(cluster); // what the silent Redis was asked for does not hold it up
  assert.ok(performance.now() - again < SLACK_MS);
});

test('when many wait for a silent Redis at once, its connection is broken once', { skip }, async (t) => {
  const redis = await startRedis(t);
  const { cache } = await join(t, [redis]);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => void warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  await redis.kill('SIGSTOP');
  await Promise.all(Array.from({ length: 50 }, (_, at) => cache.get(`key${at}`)));
  await setImmediate();
  assert.deepEqual(warnings, []);
});

test('a Redis that can only be read counts as away, until it can be written to', { skip }, async (t) => {
  const redis = await startRedis(t);
  const { cluster, cache, logged } = await join(t, [redis]);
  const { Redis } = await import('ioredis');
  const operator = new Redis({ port: redis.port });
  t.after(() => operator.disconnect());
  await operator.replicaof('127.0.0.1', '1');
  await useLock(cluster);
  await until(() => logged.length === 1);
  assert.match(logged[0]?.reason ?? '', /READONLY/);
  const isUsed = () => cluster.connections().some(({ connection, isUp }) => connection === 'commands' && isUp);
  const untilMs = performance.now() + 1_000;
  while (performance.now() < untilMs) {
    await useLock(cluster);
    assert.equal(isUsed(), false);
  }
  await operator.replicaof('NO', 'ONE');
  await until(isUsed);
  await cache.set('a', Uint8Array.of(1), 60_000);
  assert.equal(await operator.dbsize(), 1);
  assert.deepEqual(
    logged.map(({ msg }) => msg),
    ['Redis is away: until it is back, this process goes by what it knows itself', 'Redis is there'],
  );
});

test('what was kept while Redis was away is not found again in its next absence, when it was deleted in between', {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  const { cluster, cache } = await join(t, [redis]);
  const isUp = () => cluster.connections().every((each) => each.isUp);
  await redis.kill('SIGKILL');
  await cache.set('a', Uint8Array.of(1), 600_000);
  await redis.restart();
  await until(isUp);
  await cache.delete('a');
  await redis.kill('SIGKILL');
  assert.equal(await cache.get('a'), undefined);
});

test('a process that had no time for the answer does not blame Redis', { skip }, async (t) => {
  const { cluster, cache, logged } = await join(t, [await startRedis(t)]);
  await cache.set('a', Uint8Array.of(1), 60_000);
  const asked = [cache.get('a'), useLock(cluster)];
  await setImmediate();
  const until = performance.now() + 1.5 * TIMEOUT_MS;
  while (performance.now() < until); // as if it had a lot to do
  await Promise.all(asked);
  assert.equal((await cache.get('a'))?.length, 1);
  assert.deepEqual(logged, []);
});

test('who cannot reach Redis at the start begins without it, and uses it as soon as it is there', {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  await redis.kill('SIGKILL');
  const startedMs = performance.now();
  const { cluster, logged } = await join(t, [redis]);
  assert.ok(performance.now() - startedMs < TIMEOUT_MS + SLACK_MS);
  await useLock(cluster);
  await until(() => logged.length === 1);
  assert.match(logged[0]?.reason ?? '', /ECONNREFUSED/);
  await redis.restart();
  await until(() => logged.length === 2);
});

test('after Redis was away, all are told to forget what they know, and messages come through again', {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  const one = await join(t, [redis]);
  const other = await join(t, [redis]);
  let gaps = 0;
  let wakes = 0;
  using _gap = other.cluster.bus.onGap(() => {
    gaps += 1;
  });
  using _waiting = other.cluster.bus.subscribe('upload_mxc', 'x', () => {
    wakes += 1;
  });
  await redis.kill('SIGKILL');
  one.cluster.bus.publish('upload_mxc', 'x'); // lost
  await redis.restart();
  await until(() => gaps > 0 && wakes > 0);
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  using _all = other.cluster.bus.hearOthers('media_changed', () => resolve());
  await until(async () => {
    one.cluster.bus.publish('media_changed', '*');
    return await Promise.race([heard.then(() => true), setImmediate(false)]);
  });
});

test('who has missed a message finds out, although no connection broke that it could see', { skip }, async (t) => {
  const redis = await startRedis(t);
  const other = await join(t, [redis]);
  let gaps = 0;
  using _gap = other.cluster.bus.onGap(() => {
    gaps += 1;
  });
  const { Redis } = await import('ioredis');
  const speaker = new Redis({ port: redis.port });
  t.after(() => speaker.disconnect());
  await once(speaker, 'ready');
  const say = async (number: number) =>
    await speaker.publish('vitrine:bus:0', JSON.stringify(['somebody', number, 'beat', '']));
  for (const number of [1, 2, 4, 5]) await say(number);
  await until(() => gaps === 1);
});

test('of a ring, the shards that are left do the work of one that is gone', { skip }, async (t) => {
  const shards = await Promise.all([startRedis(t), startRedis(t), startRedis(t)]);
  const one = await join(t, shards);
  const other = await join(t, shards);
  await shards[1]?.kill('SIGKILL');
  await until(() => one.logged.length === 1 && other.logged.length === 1);
  for (let i = 0; i < 20; i += 1) {
    await one.cache.set(`key${i}`, Uint8Array.of(i), 60_000);
    assert.deepEqual([...((await other.cache.get(`key${i}`)) ?? [])], [i]);
  }
  const lock = await one.cluster.locks.acquire('a', patient);
  assert.equal(await other.cluster.locks.tryAcquire('a'), undefined);
  await lock[Symbol.asyncDispose]();
});

test('a Redis that refuses is told of once, with its reason', { skip }, async (t) => {
  const redis = await startRedis(t, ['--requirepass', 'right']);
  const { cluster, logged } = await join(t, [redis], { password: 'wrong' });
  for (let i = 0; i < 20; i += 1) await useLock(cluster);
  await until(() => logged.length > 0);
  assert.match(logged[0]?.reason ?? '', /WRONGPASS|NOAUTH/);
  assert.doesNotMatch(JSON.stringify(logged), /"wrong"/);
  const full = await startRedis(t, ['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction']);
  const crowded = await join(t, [full]);
  for (let i = 0; i < 20; i += 1) await useLock(crowded.cluster);
  assert.deepEqual(
    crowded.logged.map(({ reason }) => reason?.slice(0, 3)),
    ['OOM'],
  );
});

test('a Redis that is there belongs to nobody after the last one has left', { skip }, async (t) => {
  const redis = await startRedis(t);
  const { cluster } = await join(t, [redis]);
  const { Redis } = await import('ioredis');
  const looking = new Redis({ port: redis.port });
  t.after(() => looking.disconnect());
  await once(looking, 'ready');
  const clients = async () =>
    String(await looking.client('LIST'))
      .trim()
      .split('\n').length;
  assert.equal(await clients(), 3);
  await cluster[Symbol.asyncDispose]();
  await until(async () => (await clients()) === 1);
});
