import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadRequest, Unavailable } from '../matrix/index.ts';
import { createRefusedFiles } from './refused-files.ts';

test('a file that was refused is not tried again for ten minutes, and then once', async () => {
  let now = 1;
  let tries = 0;
  const files = createRefusedFiles({ now: () => now });
  const attempt = () =>
    files.attempt('file', async () => {
      tries += 1;
      throw new BadRequest('damaged');
    });
  await assert.rejects(attempt(), BadRequest);
  await assert.rejects(attempt(), BadRequest);
  assert.equal(tries, 1);
  assert.equal(await files.attempt('another file', async () => 'fine'), 'fine');
  now += 600_001;
  await assert.rejects(attempt(), BadRequest);
  assert.equal(tries, 2);
});

test('what is not the fault of the file is tried again at once', async () => {
  const files = createRefusedFiles({ now: () => 1 });
  const crowded = () => Promise.reject(new Unavailable('too many'));
  await assert.rejects(files.attempt('file', crowded), Unavailable);
  assert.equal(await files.attempt('file', async () => 'fine'), 'fine');
});
