import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { describeThisProcess, hasProcessEnded } from './this-process.ts';

const self = describeThisProcess();

test('this process has not ended, and one that had its number before has', () => {
  assert.equal(hasProcessEnded(self), false);
  assert.equal(hasProcessEnded({ ...self, started: '1' }), true);
});

test('a process is known to have ended when it has', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  assert.equal(hasProcessEnded({ ...self, pid, started: 'another' }), process.platform === 'linux');
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(hasProcessEnded({ ...self, pid }), true);
});

test('nobody can tell of a process on another machine', () => {
  assert.equal(hasProcessEnded({ ...self, host: 'elsewhere', pid: 2 ** 22 - 1 }), false);
});
