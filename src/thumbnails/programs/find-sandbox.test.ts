import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { findSandbox } from './find-sandbox.ts';

const run = promisify(execFile);
const sandbox = await findSandbox(process.env['PATH'] ?? '', new AbortController().signal);

test('where nothing can be taken away, programs run as they are, and the log can tell', async (t) => {
  const { words, description } = await findSandbox('/nonexistent', t.signal);
  assert.deepEqual(words, []);
  assert.match(description, /with network/);
});

test('a program reaches no network and can gain no rights, where the system allows to take them away', {
  skip: sandbox.words.length === 0 && 'setpriv is missing, or forbidden here',
}, async (t) => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const script = `(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null; grep NoNewPrivs /proc/self/status`;
  const [program = '', ...args] = [...sandbox.words, '/bin/bash', '-c', script];
  assert.match((await run(program, args)).stdout, /NoNewPrivs:\s+1/);
  assert.equal(connections, sandbox.description === 'without network' ? 0 : 1);
});
