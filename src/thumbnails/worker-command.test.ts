import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { WORKER_ENVIRONMENT, workerArguments } from './worker-command.ts';

const PROBE = `
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { Worker } from 'node:worker_threads';
const attempts = {
  readFile: () => readFileSync('/etc/passwd'),
  readItsEnvironment: () => readFileSync('/proc/self/environ'),
  writeFile: () => writeFileSync('/tmp/written-by-a-worker', ''),
  startProcess: () => execFileSync('/bin/true'),
  startThread: () => new Worker('', { eval: true }),
  runText: () => eval('1'),
};
const refused = Object.keys(attempts).filter((name) => { try { attempts[name](); return false; } catch { return true; } });
const connection = await new Promise((resolve) => {
  try {
    createConnection(9, '127.0.0.1').on('error', ({ code }) => resolve(code)).on('connect', () => resolve('open'));
  } catch ({ code }) { resolve(code); }
});
console.log(JSON.stringify({ refused, connection, environment: process.env, cwd: process.cwd() }));
`;

test('what runs as a worker runs reads no file, writes none, and sees neither environment nor network', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'vitrine-probe-'));
  const probe = join(folder.path, 'probe.mjs');
  await writeFile(probe, PROBE);

  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, workerArguments(pathToFileURL(probe)), {
    env: WORKER_ENVIRONMENT,
    cwd: '/',
  });

  assert.deepEqual(JSON.parse(stdout), {
    refused: ['readFile', 'readItsEnvironment', 'writeFile', 'startProcess', 'startThread', 'runText'],
    connection: 'ERR_ACCESS_DENIED',
    environment: WORKER_ENVIRONMENT,
    cwd: '/',
  });
});

test('a worker ends when the server is gone', async () => {
  const worker = spawn(process.execPath, workerArguments(new URL('workers/main.ts', import.meta.url)), {
    env: WORKER_ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(worker.stdout, 'data');
  worker.stdin.end();
  await once(worker, 'exit');
});
