import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pino from 'pino';
import { makeAuthority } from '../../../test/certificates.ts';
import { redisOptions, skipWithoutRedis, startRedis, startSentinel } from '../../../test/redis.ts';
import { lookAtRedis, openCluster, type RedisOptions } from '../index.ts';
import { parseAddress } from './parse-address.ts';
import { chooseShard } from './shards.ts';

const skip = skipWithoutRedis();
const patient = new AbortController().signal;

/** Everything that a cluster does, once, between two who came the same way. */
async function assertWorks(t: TestContext, options: RedisOptions): Promise<void> {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) });
  const open = async () => {
    const cluster = await openCluster(options, { log, now: Date.now, random: Math.random });
    t.after(() => cluster[Symbol.asyncDispose]());
    return cluster;
  };
  const [one, other] = [await open(), await open()];
  const lock = await one.locks.acquire('a', patient);
  assert.equal(await other.locks.tryAcquire('a'), undefined);
  await lock[Symbol.asyncDispose]();
  const limits = { maxValueBytes: 100, maxBytes: 1000 };
  for (const key of ['a', 'b', 'c', 'd']) {
    await one.openCache('tests', limits).set(key, Uint8Array.of(1), 60_000);
    assert.equal((await other.openCache('tests', limits).get(key))?.length, 1);
    await one.openCache('tests', limits).delete(key);
  }
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  using _listening = other.bus.subscribe('upload_mxc', 'x', resolve);
  one.bus.publish('upload_mxc', 'x');
  await heard;
  const shape = { capacity: 10, overflow: 0, drainPerSecond: 0.001 };
  const [mine, theirs] = [one.openBuckets('tests', 100), other.openBuckets('tests', 100)];
  for (const key of ['a', 'b', 'c', 'd']) mine.pour(key, 9, shape);
  for (const key of ['a', 'b', 'c', 'd']) {
    while (theirs.pour(key, 0.01, shape).left > 1) await setImmediate();
  }
  assert.deepEqual(warnings, []);
  const tried = await lookAtRedis(options, 10_000);
  assert.deepEqual(
    tried.map(({ trouble }) => trouble),
    tried.map(() => undefined),
  );
}

async function connect(t: TestContext, port: number) {
  const { Redis } = await import('ioredis');
  const client = new Redis({ port });
  t.after(() => client.disconnect());
  await once(client, 'ready');
  return client;
}

test('with a password', { skip }, async (t) => {
  const redis = await startRedis(t, ['--requirepass', 'secret']);
  await assertWorks(t, redisOptions([redis], { password: 'secret' }));
});

test('as a user who may touch nothing but our keys and channels', { skip }, async (t) => {
  const rights = ['--user', 'vitrine', 'on', '>secret', '~ours:*', '&ours:*', '+@all', '-@admin'];
  const redis = await startRedis(t, rights);
  await assertWorks(t, redisOptions([redis], { username: 'vitrine', password: 'secret', keyPrefix: 'ours:' }));
});

test('in another database of a Redis, which others use as well', { skip }, async (t) => {
  const redis = await startRedis(t);
  await assertWorks(t, redisOptions([redis], { databaseNumber: 3 }));
  const client = await connect(t, redis.port);
  assert.equal(await client.dbsize(), 0);
});

test('through a socket', { skip }, async (t) => {
  const redis = await startRedis(t, ['--unixsocket', 'redis.sock']);
  await assertWorks(t, redisOptions([{ addr: join(redis.folder, 'redis.sock') }]));
});

test('with TLS and a certificate of our own', { skip }, async (t) => {
  const redis = await startTls(t);
  const tls = { enabled: true, caFile: redis.caFile, certFile: '', keyFile: '', serverName: 'redis.example.org' };
  await assertWorks(t, redisOptions([redis], { tls }));
});

test('with TLS, where clients have to show a certificate', { skip }, async (t) => {
  const { caFile, certFile, keyFile, ...redis } = await startTls(t, 'yes');
  const tls = { enabled: true, caFile, certFile, keyFile, serverName: 'redis.example.org' };
  await assertWorks(t, redisOptions([redis], { tls }));
});

test('a certificate for another name, or of an unknown authority, is refused', { skip }, async (t) => {
  const redis = await startTls(t);
  const reasons: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void reasons.push(JSON.parse(line).reason) });
  for (const [caFile, serverName] of [
    ['', 'redis.example.org'],
    [redis.caFile, 'other.example.org'],
  ] as const) {
    const tls = { enabled: true, caFile, certFile: '', keyFile: '', serverName };
    const options = redisOptions([redis], { tls, timeoutMs: 200 });
    const cluster = await openCluster(options, { log, now: Date.now, random: Math.random });
    t.after(() => cluster[Symbol.asyncDispose]());
  }
  while (reasons.length < 2) await setImmediate();
  assert.match(reasons.join('\n'), /certificate(?:.|\n)*altnames/);
});

test('a file of tls that is not there keeps it from starting', { skip }, async () => {
  const tls = { enabled: true, caFile: '/does/not/exist.pem', certFile: '', keyFile: '', serverName: '' };
  const options = redisOptions([{ addr: '127.0.0.1:9' }], { tls });
  await assert.rejects(
    openCluster(options, { log: pino({ level: 'silent' }), now: Date.now, random: Math.random }),
    /ENOENT/,
  );
});

test('a Redis Cluster', { skip }, async (t) => {
  const redis = await startRedis(t, ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);
  const client = await connect(t, redis.port);
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  while (!String(await client.cluster('INFO')).includes('cluster_state:ok')) await setImmediate();
  await assertWorks(t, redisOptions([redis], { mode: 'cluster' }));
});

test('a Redis that Sentinel points at', { skip }, async (t) => {
  const redis = await startRedis(t, ['--requirepass', 'secret']);
  const sentinel = await startSentinel(t, 'ours', redis, 'secret');
  const options = {
    mode: 'sentinel',
    password: 'secret',
    sentinel: { masterName: 'ours', username: 'default', password: 'secret' },
  } as const;
  await assertWorks(t, redisOptions([sentinel], options));
});

test('addresses are read as matrix-media-repo reads them', () => {
  assert.deepEqual(parseAddress('redis.example.org:7000'), { host: 'redis.example.org', port: 7000 });
  assert.deepEqual(parseAddress('redis.example.org'), { host: 'redis.example.org', port: 6379 });
  assert.deepEqual(parseAddress(':7000'), { host: 'localhost', port: 7000 });
  assert.deepEqual(parseAddress('[::1]:7000'), { host: '::1', port: 7000 });
  assert.deepEqual(parseAddress('/run/redis.sock'), { path: '/run/redis.sock' });
});

test('when a shard of a ring goes, only its own keys move', () => {
  const shards = ['a', 'b', 'c'].map((name) => ({ name }));
  const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
  const counts = Map.groupBy(keys, (key) => chooseShard(shards, key)?.name);
  for (const { name } of shards) assert.ok((counts.get(name)?.length ?? 0) > 50);
  for (const key of keys) {
    const before = chooseShard(shards, key)?.name;
    const after = chooseShard(
      shards.filter(({ name }) => name !== 'b'),
      key,
    )?.name;
    if (before !== 'b') assert.equal(after, before);
  }
  assert.equal(chooseShard([], 'a'), undefined);
});

async function startTls(t: TestContext, asksClients: 'yes' | 'no' = 'no') {
  const authority = await makeAuthority();
  const { cert, key } = await authority.issue(['redis.example.org']);
  const redis = await startRedis(t, async (folder, port) => {
    const files = { ca: authority.pem, cert, key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, `${name}.pem`), text);
    const tls = ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', asksClients];
    return [...tls, '--tls-cert-file', 'cert.pem', '--tls-key-file', 'key.pem', '--tls-ca-cert-file', 'ca.pem'];
  });
  const [caFile, certFile, keyFile] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(redis.folder, name));
  return { ...redis, caFile: caFile ?? '', certFile: certFile ?? '', keyFile: keyFile ?? '' };
}
