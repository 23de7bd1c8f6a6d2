import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLost, startMixedLoad } from './mixed-load.ts';
import { type ServiceProcess, startProcess } from './process.ts';
import { skipWithoutRedis, startRedis } from './redis.ts';
import { checkAndRepair } from './run-check.ts';
import { ENGINES, makeServiceFolder } from './service.ts';

/** `script/soak` asks for more. */
const ROUNDS = Number(process.env['VITRINE_SOAK_FAULT_ROUNDS'] ?? 1);
const postgres = ENGINES[1];

test(`one of three processes is killed under load, ${ROUNDS} times: the others go on, and nothing that was answered is lost`, {
  skip: skipWithoutRedis() || postgres.skip,
}, async (t) => {
  const { addr } = await startRedis(t);
  const folder = await makeServiceFolder(t, postgres, {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
    redis: { enabled: true, shards: [{ name: 'one', addr }] },
  });
  const start = (machineId: number) => startProcess(t, { ...folder, env: { MACHINE_ID: String(machineId) } });
  const processes: (ServiceProcess | undefined)[] = await Promise.all([0, 1, 2].map(start));
  const urls = () => processes.flatMap((one) => (one === undefined ? [] : [one.url]));
  const load = await startMixedLoad(urls);
  for (let round = 0; round < ROUNDS; round += 1) {
    await load.more(20);
    const victim = round % processes.length;
    const killed = processes[victim];
    processes[victim] = undefined;
    await killed?.kill('SIGKILL');
    await load.more(20);
    processes[victim] = await start(victim);
    await load.more(10);
  }
  await load.stop();
  const others = [...load.statuses.keys()].filter((status) => status !== 200 && status !== 0);
  assert.deepEqual([others, load.wrong], [[], []]);
  assert.deepEqual(await findLost(urls()[0] ?? '', load.answered), []);
  const orphans = await checkAndRepair(folder);
  assert.deepEqual(await findLost(urls()[1] ?? '', load.answered), []);
  t.diagnostic(`${load.answered.size} uploads were answered; ${orphans} objects had no record, until a repair`);
});
