import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { findLost, startMixedLoad } from './mixed-load.ts';
import { runCheck } from './run-check.ts';
import { type AskedOfS3, type S3Fault, startS3Server } from './s3-server.ts';
import { ENGINES, makeServiceFolder, startServiceIn } from './service.ts';

/** `script/soak` asks for more. */
const ANSWERS = Number(process.env['VITRINE_SOAK_S3_ANSWERS'] ?? 100);
const [sqlite] = ENGINES;

/** One request of twelve goes wrong, in each of the ways in which it can. */
function drawFault({ method }: AskedOfS3): S3Fault | undefined {
  const faults: readonly S3Fault[] = [
    { kind: 'refuse', status: 503, code: 'SlowDown' },
    { kind: 'refuse', status: 500, code: 'InternalError' },
    { kind: 'lose answer' },
    ...(method === 'GET' ? ([{ kind: 'break', afterBytes: 500 }] as const) : []),
    ...(randomInt(10) === 0 ? ([{ kind: 'stall' }] as const) : []),
  ];
  return randomInt(12) === 0 ? faults[randomInt(faults.length)] : undefined;
}

test('a bucket that makes all kinds of trouble now and then, under load: at worst 503, and nothing that was answered is lost', async (t) => {
  const server = await startS3Server(t);
  const opts = { ...server.opts, timeoutSeconds: '1' };
  const folder = await makeServiceFolder(t, sqlite, {
    datastores: [{ id: 'bucket', type: 's3', forKinds: ['all'], opts }],
  });
  const service = await startServiceIn(t, folder);
  const load = await startMixedLoad(() => [service.url]);
  server.fault = drawFault;
  await load.more(ANSWERS);
  await load.stop();
  server.fault = () => undefined;
  const others = [...load.statuses.keys()].filter((status) => status !== 200 && status !== 503 && status !== 0);
  assert.deepEqual([others, load.wrong], [[], []]);
  assert.deepEqual(await findLost(service.url, load.answered), []);
  assert.deepEqual(await server.openUploads(), []);
  await service.stop(); // the file is one process's
  const { findings, summary } = await runCheck(folder.path, '--hashes');
  assert.deepEqual(findings, []);
  t.diagnostic(`${JSON.stringify(Object.fromEntries(load.statuses))}; ${summary['young']} objects had no record`);
});
