import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProcess } from './process.ts';
import { ENGINES, makeServiceFolder } from './service.ts';

const postgres = ENGINES[1];
const options = { skip: postgres.skip };
const sections = { repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'info', jsonLogs: true } };

test('two processes on one database need different numbers', options, async (t) => {
  const folder = await makeServiceFolder(t, postgres, sections);
  const first = await startProcess(t, { ...folder, env: { MACHINE_ID: '5' } });
  await assert.rejects(
    startProcess(t, { ...folder, env: { MACHINE_ID: '5' } }),
    new RegExp(`MACHINE_ID 5 on this database: process ${first.child.pid} on `),
  );
  await startProcess(t, { ...folder, env: { MACHINE_ID: '6' } });
  await first.kill('SIGTERM');
  await startProcess(t, { ...folder, env: { MACHINE_ID: '5' } });
});

test('a process that was killed starts again at once with its number', options, async (t) => {
  const folder = await makeServiceFolder(t, postgres, sections);
  for (let round = 0; round < 2; round += 1) {
    const process = await startProcess(t, folder);
    assert.doesNotMatch(process.lines.join('\n'), /Looking whether the last process/);
    await process.kill('SIGKILL');
  }
});
