import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLost, startMixedLoad } from './mixed-load.ts';
import { startFragilePostgres } from './postgres.ts';
import { startProcess } from './process.ts';
import { checkAndRepair } from './run-check.ts';
import { ENGINES, makeServiceFolder } from './service.ts';

/** `script/soak` asks for more. */
const ROUNDS = Number(process.env['VITRINE_SOAK_FAULT_ROUNDS'] ?? 1);
const postgres = ENGINES[1];

test(`PostgreSQL crashes under load, and comes back, ${ROUNDS} times: 503 meanwhile, and nothing that was answered is lost`, {
  skip: postgres.skip,
}, async (t) => {
  const server = await startFragilePostgres(t);
  const folder = await makeServiceFolder(t, ENGINES[0], {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true },
    database: { postgres: server.url },
  });
  const start = (machineId: number) => startProcess(t, { ...folder, env: { MACHINE_ID: String(machineId) } });
  const processes = await Promise.all([0, 1].map(start));
  const load = await startMixedLoad(() => processes.map(({ url }) => url));
  for (let round = 0; round < ROUNDS; round += 1) {
    await load.more(25);
    await server.crash();
    await load.more(20, 503);
    await server.start();
    await load.more(25);
  }
  await load.stop();
  const others = [...load.statuses.keys()].filter((status) => status !== 200 && status !== 503);
  assert.deepEqual([others, load.wrong], [[], []]);
  for (const { url } of processes) assert.deepEqual(await findLost(url, load.answered), []);
  const orphans = await checkAndRepair(folder);
  t.diagnostic(`${load.answered.size} uploads were answered; ${orphans} objects had no record, until a repair`);
});
