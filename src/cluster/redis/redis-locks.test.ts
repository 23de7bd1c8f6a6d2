import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { redisOptions, skipWithoutRedis, startRedis, type TestRedis } from '../../../test/redis.ts';
import { createLocks } from '../lock.ts';
import { openLink } from './link.ts';
import { listPlaces } from './make-client.ts';
import { createRedisLocks } from './redis-locks.ts';
import { createShards } from './shards.ts';

const skip = skipWithoutRedis();
const patient = new AbortController().signal;
const LIFETIME_MS = 300;

/** One process, whose locks do not live long without it. */
async function join(t: TestContext, redis: TestRedis, lifetimeMs = LIFETIME_MS) {
  const { promise: warned, resolve } = Promise.withResolvers<void>();
  const log = pino({ level: 'warn' }, { write: (line) => line.includes('has taken a lock') && resolve() });
  const [place] = await listPlaces(redisOptions([redis]));
  assert.ok(place);
  const link = openLink(place, { log, now: Date.now, timeoutMs: 10_000, probeKey: 'vitrine:probe' });
  t.after(() => link[Symbol.asyncDispose]());
  await link.settled;
  const shards = createShards([link], 'vitrine:');
  const locks = createRedisLocks({ shards, own: createLocks(), log, random: Math.random, lifetimeMs });
  return { locks, warned, die: () => link[Symbol.asyncDispose]() };
}

async function connect(t: TestContext, redis: TestRedis) {
  const { Redis } = await import('ioredis');
  const client = new Redis({ port: redis.port });
  t.after(() => client.disconnect());
  await once(client, 'ready');
  return client;
}

test('a lock that is held for long is renewed', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [await join(t, redis), await join(t, redis)];
  await using _held = await one.locks.acquire('a', patient);
  const until = performance.now() + 3 * LIFETIME_MS;
  while (performance.now() < until) assert.equal(await other.locks.tryAcquire('a'), undefined);
});

test('the lock of a process that has died is free when its time is up', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [await join(t, redis), await join(t, redis)];
  const dead = await one.locks.acquire('a', patient);
  await one.die();
  const startedMs = performance.now();
  await using _lock = await other.locks.acquire('a', patient);
  assert.ok(performance.now() - startedMs < LIFETIME_MS + 500);
  await dead[Symbol.asyncDispose]();
  assert.equal(
    await (await join(t, redis)).locks.tryAcquire('a'),
    undefined,
    'the dead one has let go what is not its own',
  );
});

test('who has lost a lock does not take it from the new holder, and the log says that it was lost', {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [await join(t, redis), await join(t, redis, 60_000)];
  const lost = await one.locks.acquire('a', patient);
  await (await connect(t, redis)).flushall(); // as if its time had been up while the process slept
  const lock = await other.locks.tryAcquire('a');
  assert.ok(lock);
  await one.warned;
  await lost[Symbol.asyncDispose]();
  assert.equal(await (await join(t, redis)).locks.tryAcquire('a'), undefined);
  await lock[Symbol.asyncDispose]();
});

test('a lock outlives a Redis that forgets everything', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [await join(t, redis), await join(t, redis)];
  await using _held = await one.locks.acquire('a', patient);
  const client = await connect(t, redis);
  await client.flushall();
  while ((await client.dbsize()) === 0) await new Promise(setImmediate);
  assert.equal(await other.locks.tryAcquire('a'), undefined);
});
