import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import { redisOptions, skipWithoutRedis, startRedis } from '../../test/redis.ts';
import { type Cluster, createOwnCluster, openCluster, type RedisOptions } from './index.ts';

// What a cluster promises, wherever it keeps what it knows. `members` are those who share it: two processes with Redis,
// two parts of one process without.

const patient = new AbortController().signal;
const log = pino({ level: 'silent' });
const parts = { log, now: Date.now, random: Math.random };
const skip = skipWithoutRedis();
const LIMITS = { maxValueBytes: 1000, maxBytes: 100_000 };

async function join(t: TestContext, options: RedisOptions): Promise<readonly [Cluster, Cluster]> {
  const members = [await openCluster(options, parts), await openCluster(options, parts)] as const;
  for (const member of members) t.after(() => member[Symbol.asyncDispose]());
  return members;
}

const KINDS = [
  {
    name: 'in one process',
    skip: false,
    open: async (): Promise<readonly [Cluster, Cluster]> => {
      const cluster = createOwnCluster({ now: Date.now });
      return [cluster, cluster];
    },
  },
  { name: 'over Redis', skip, open: async (t: TestContext) => join(t, redisOptions([await startRedis(t)])) },
  {
    name: 'over a ring of three',
    skip,
    open: async (t: TestContext) =>
      join(t, redisOptions(await Promise.all([startRedis(t), startRedis(t), startRedis(t)]))),
  },
] as const;

for (const { name: kind, skip, open } of KINDS) {
  test(`${kind}: a lock has one holder at a time, whoever asks`, { skip }, async (t) => {
    const members = await open(t);
    let holders = 0;
    const work = async (member: Cluster) => {
      await using _lock = await member.locks.acquire('same', patient);
      holders += 1;
      assert.equal(holders, 1);
      await setImmediate();
      holders -= 1;
    };
    await Promise.all([...members, ...members, ...members].map(work));
  });

  test(`${kind}: different locks do not wait for each other`, { skip }, async (t) => {
    const [one, other] = await open(t);
    await using _a = await one.locks.acquire('a', patient);
    await using _b = await other.locks.acquire('b', patient);
    await using _c = await one.locks.acquire('c', patient);
  });

  test(`${kind}: whoever does not want to wait gets a lock at once or not at all`, { skip }, async (t) => {
    const [one, other] = await open(t);
    const first = await one.locks.tryAcquire('a');
    assert.ok(first);
    assert.equal(await other.locks.tryAcquire('a'), undefined);
    await first[Symbol.asyncDispose]();
    await setImmediate();
    const second = await other.locks.tryAcquire('a');
    assert.ok(second);
    await second[Symbol.asyncDispose]();
  });

  test(`${kind}: who leaves while waiting for a lock holds up nobody`, { skip }, async (t) => {
    const [one, other] = await open(t);
    const first = await one.locks.acquire('a', patient);
    const leaving = new AbortController();
    const left = [one, other].map((member) => member.locks.acquire('a', leaving.signal));
    const waiting = [one, other].map(async (member) => {
      await using _lock = await member.locks.acquire('a', patient);
    });
    leaving.abort(new Error('left'));
    for (const each of left) await assert.rejects(each, /left/);
    await first[Symbol.asyncDispose]();
    await Promise.all(waiting);
  });

  test(`${kind}: a message wakes all who wait for just this one`, { skip }, async (t) => {
    const [one, other] = await open(t);
    const heard: string[] = [];
    const { promise: isThere, resolve } = Promise.withResolvers<void>();
    using _own = one.bus.subscribe('upload_mxc', 'mxc://example.org/a', () => heard.push('own'));
    using _other = other.bus.subscribe('upload_mxc', 'mxc://example.org/a', resolve);
    using _elsewhere = other.bus.subscribe('upload_mxc', 'mxc://example.org/b', () => heard.push('b'));
    using _channel = other.bus.subscribe('media_changed', 'mxc://example.org/a', () => heard.push('remote'));
    one.bus.publish('upload_mxc', 'mxc://example.org/a');
    await isThere;
    assert.deepEqual(heard, ['own']);
  });

  test(`${kind}: who has stopped listening hears nothing more`, { skip }, async (t) => {
    const [one, other] = await open(t);
    const { promise: isThere, resolve } = Promise.withResolvers<void>();
    const leaving = other.bus.subscribe('task_changed', '1', () => assert.fail('heard after leaving'));
    using _staying = other.bus.subscribe('task_changed', '1', resolve);
    leaving[Symbol.dispose]();
    one.bus.publish('task_changed', '1');
    await isThere;
  });

  test(`${kind}: what is cached is seen by all, until it is replaced, deleted or too old`, { skip }, async (t) => {
    const [one, other] = (await open(t)).map((member) => member.openCache('tests', LIMITS));
    assert.ok(one && other);
    assert.equal(await one.get('a'), undefined);
    await one.set('a', Uint8Array.of(0, 255, 10), 60_000);
    assert.deepEqual([...((await other.get('a')) ?? [])], [0, 255, 10]);
    await other.set('a', Uint8Array.of(1), 60_000);
    assert.deepEqual([...((await one.get('a')) ?? [])], [1]);
    await one.delete('a');
    assert.equal(await other.get('a'), undefined);
    await one.set('a', Uint8Array.of(1), 60_000);
    await one.set('a', Uint8Array.of(2), 0);
    assert.equal(await other.get('a'), undefined);
    await one.set('a', Uint8Array.of(3), 1);
    const until = Date.now() + 20;
    while (Date.now() < until) await setImmediate();
    assert.equal(await other.get('a'), undefined);
  });

  test(`${kind}: a value over the limit is not kept, and takes away what it should have replaced`, {
    skip,
  }, async (t) => {
    const [one, other] = (await open(t)).map((member) => member.openCache('tests', LIMITS));
    assert.ok(one && other);
    await one.set('a', new Uint8Array(1000), 60_000);
    assert.equal((await other.get('a'))?.length, 1000);
    await one.set('a', new Uint8Array(1001), 60_000);
    assert.equal(await other.get('a'), undefined);
  });

  test(`${kind}: caches of different names know nothing of each other`, { skip }, async (t) => {
    const [one, other] = await open(t);
    await one.openCache('tests', LIMITS).set('a', Uint8Array.of(1), 60_000);
    assert.equal(await other.openCache('others', LIMITS).get('a'), undefined);
  });

  test(`${kind}: what is poured into a bucket by one is counted for all, a moment later`, { skip }, async (t) => {
    const [one, other] = (await open(t)).map((member) => member.openBuckets('tests', 100));
    assert.ok(one && other);
    const shape = { capacity: 10, overflow: 0, drainPerSecond: 0.001 };
    assert.equal(one.pour('a', 9, shape).isTaken, true);
    other.pour('a', 0.5, shape);
    while (other.pour('a', 0.01, shape).left > 0.99) await setImmediate();
    assert.equal(other.pour('a', 5, shape).isTaken, false);
    assert.equal(other.pour('b', 5, shape).isTaken, true);
  });
}

test('over Redis: others hear all of a channel, and nobody hears himself', { skip }, async (t) => {
  const [one, other] = await join(t, redisOptions([await startRedis(t)]));
  const heard: string[] = [];
  using _self = one.bus.hearOthers('media_changed', (message) => heard.push(`self ${message}`));
  const { promise: isThere, resolve } = Promise.withResolvers<void>();
  using _other = other.bus.hearOthers('media_changed', (message) => {
    heard.push(message);
    if (message === '*') resolve();
  });
  one.bus.publish('upload_mxc', 'x');
  one.bus.publish('media_changed', 'mxc://example.org/ä');
  one.bus.publish('media_changed', '*');
  await isThere;
  assert.deepEqual(heard, ['mxc://example.org/ä', '*']);
});

test('over Redis: what somebody else says on the channel does no harm', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one, other] = await join(t, redisOptions([redis]));
  const { Redis } = await import('ioredis');
  const stranger = new Redis({ port: redis.port });
  t.after(() => stranger.disconnect());
  await once(stranger, 'ready');
  for (const text of [
    '',
    'nonsense',
    '[]',
    '["a","b"]',
    '{"a":1}',
    '["a","unknown","b"]',
    '[1,2,3,4]',
    '["a",1,2,"b"]',
    'null',
  ]) {
    assert.ok((await stranger.publish('vitrine:bus:0', text)) >= 2);
  }
  const { promise: isThere, resolve } = Promise.withResolvers<void>();
  using _listening = other.bus.subscribe('upload_mxc', 'x', resolve);
  one.bus.publish('upload_mxc', 'x');
  await isThere;
});

test('over Redis: names of users and addresses do not lie in it', { skip }, async (t) => {
  const redis = await startRedis(t);
  const [one] = await join(t, redisOptions([redis], { keyPrefix: 'ours:' }));
  await using _lock = await one.locks.acquire('quota-@alice:example.org', patient);
  await one.openCache('tests', LIMITS).set('@alice:example.org', Uint8Array.of(1), 60_000);
  const { Redis } = await import('ioredis');
  const looking = new Redis({ port: redis.port });
  t.after(() => looking.disconnect());
  await once(looking, 'ready');
  const keys = await looking.keys('*');
  assert.equal(keys.length, 2);
  assert.deepEqual(
    keys.filter((key) => !key.startsWith('ours:') || key.includes('alice')),
    [],
  );
});
