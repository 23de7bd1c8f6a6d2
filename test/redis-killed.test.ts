import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import pino from 'pino';
import { openCluster } from '../src/cluster/index.ts';
import { openServiceDatabase } from './database/open.ts';
import { findLost, startMixedLoad } from './mixed-load.ts';
import { startProcess } from './process.ts';
import { redisOptions, skipWithoutRedis, startRedis, type TestRedis } from './redis.ts';
import { checkAndRepair } from './run-check.ts';
import { ENGINES, listObjects, makeServiceFolder, pathOf, startServiceIn, uploadBytes } from './service.ts';

/** `script/soak` asks for more. */
const ROUNDS = Number(process.env['VITRINE_SOAK_FAULT_ROUNDS'] ?? 1);
const postgres = ENGINES[1];
/** Sooner than a process would look by itself. */
const SOON_MS = 5_000;
const skip = skipWithoutRedis() || postgres.skip;

/** How many contents the records know, of media and of thumbnails. */
async function countContents(t: TestContext, folder: { readonly configPath: string }): Promise<number> {
  const { db } = await openServiceDatabase(t, folder);
  const contents = new Set<string>();
  for (const table of ['media', 'thumbnails'] as const) {
    for (const row of await db.selectFrom(table).select('sha256_hash').execute()) contents.add(row.sha256_hash);
  }
  return contents.size;
}

test(`Redis is killed under load, and comes back, ${ROUNDS} times: nobody is refused, nothing is stored twice, and the log stays short`, {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  const folder = await makeServiceFolder(t, postgres, {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
    redis: { enabled: true, shards: [{ name: 'one', addr: redis.addr }] },
  });
  const start = (machineId: number) => startProcess(t, { ...folder, env: { MACHINE_ID: String(machineId) } });
  const processes = await Promise.all([0, 1].map(start));
  const load = await startMixedLoad(() => processes.map(({ url }) => url));
  for (let round = 0; round < ROUNDS; round += 1) {
    await load.more(20);
    await redis.kill('SIGKILL');
    await load.more(60);
    await redis.restart();
    await load.more(20);
  }
  await load.stop();
  assert.deepEqual([...load.statuses.keys()], [200]);
  assert.deepEqual(load.wrong, []);
  for (const { url, lines } of processes) {
    assert.deepEqual(await findLost(url, load.answered), []);
    const warnings = lines.filter((line) => /"level":"(?:warning|error|fatal)"/.test(line));
    assert.ok(warnings.length <= 2 * ROUNDS, warnings.join('\n'));
    assert.ok(
      warnings.some((line) => line.includes('Redis is away')),
      lines.join('\n'),
    );
  }
  assert.equal((await listObjects(folder)).length, await countContents(t, folder));
  assert.equal(await checkAndRepair(folder), 0);
});

test('after Redis has come back, processes tell each other again what has changed and what was asked for', {
  skip,
}, async (t) => {
  const redis = await startRedis(t);
  const folder = await makeServiceFolder(t, postgres, {
    redis: { enabled: true, shards: [{ name: 'one', addr: redis.addr }] },
    rateLimit: { enabled: true, requestsPerSecond: 0.001, burst: 10, scope: 'endpoint' },
  });
  const start = (machineId: number) => startServiceIn(t, folder, undefined, undefined, machineId);
  const services = [await start(0), await start(1)];
  const askInTurn = async (turn: number, path: string) => await services[turn % services.length]?.ask(path);
  const uri = await uploadBytes(services[0]?.ask ?? fetch, Buffer.from('hello'));
  await redis.kill('SIGKILL');
  for (const { ask } of services) assert.equal(await (await ask(pathOf(uri))).text(), 'hello');
  await redis.restart();

  let turn = 0;
  for (; (await askInTurn(turn, '/_matrix/client/v1/media/config'))?.status === 200; turn += 1) {
    assert.ok(turn < 18, 'each process counts for itself'); // then each of them lets ten through
    await setTimeout(250); // what was let in is told five times a second
  }
  assert.ok(turn >= 10, `refused after ${turn}`);

  const { db } = await openServiceDatabase(t, folder);
  await db.updateTable('media').set({ quarantined: true }).execute();
  await forgetEverywhere(t, redis);
  const toldMs = performance.now();
  for (const { ask } of services) {
    while ((await ask(pathOf(uri))).status === 200) assert.ok(performance.now() - toldMs < SOON_MS);
    assert.equal((await ask(pathOf(uri))).status, 404);
  }
});

/** As a process does that has changed many records. */
async function forgetEverywhere(t: TestContext, redis: TestRedis): Promise<void> {
  const parts = { log: pino({ level: 'silent' }), now: Date.now, random: Math.random };
  const { bus, ...cluster } = await openCluster(redisOptions([redis]), parts);
  t.after(() => cluster[Symbol.asyncDispose]());
  bus.publish('media_changed', '*');
}
