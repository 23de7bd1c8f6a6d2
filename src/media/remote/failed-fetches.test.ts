import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOwnCluster } from '../../cluster/index.ts';
import {
  Forbidden,
  NotFound,
  parseMediaId,
  parseServerName,
  Quarantined,
  RemoteTooLarge,
  RemoteUnavailable,
} from '../../matrix/index.ts';
import { createFailedFetches } from './failed-fetches.ts';

const URI = { origin: parseServerName('remote.example.org'), mediaId: parseMediaId('abc') };
const MINUTE_MS = 60_000;

function start() {
  let ts = 1_000_000;
  const now = () => ts;
  const failures = createOwnCluster({ now }).openCache('failed_fetches', { maxValueBytes: 1024, maxBytes: 100_000 });
  const pass = (ms: number) => {
    ts += ms;
  };
  return { pass, ...createFailedFetches({ failures, now }) };
}

for (const error of [
  new NotFound(),
  new Quarantined(),
  new RemoteTooLarge('The media is larger than 5 bytes'),
  new RemoteUnavailable('remote.example.org', 'timeout'),
  new RemoteUnavailable('remote.example.org', 'left alone', undefined, 30_000),
]) {
  test(`${error.constructor.name} (${error.message}) is told again as it was`, async () => {
    const { remember, refuse } = start();
    await remember('a', error, 15 * MINUTE_MS);
    await assert.rejects(refuse(URI, 'a'), (told) => {
      assert.ok(told instanceof error.constructor);
      const { message, status, errcode, retryAfterSeconds } = told as NotFound;
      assert.deepEqual([message, status, errcode], [error.message, error.status, error.errcode]);
      assert.equal(retryAfterSeconds, error.retryAfterSeconds);
      return true;
    });
    await refuse(URI, 'b');
  });
}

test('what is wrong with us is not remembered, nor anything for no time', async () => {
  const { remember, refuse } = start();
  await remember('a', new Forbidden('No'), MINUTE_MS);
  await remember('a', new Error('broken'), MINUTE_MS);
  await remember('a', new NotFound(), 0);
  await refuse(URI, 'a');
});

test('media that is missing is remembered as long as configured, a server in trouble for a minute', async () => {
  const { remember, refuse, pass } = start();
  await remember('media', new NotFound(), 15 * MINUTE_MS);
  await remember('server', new RemoteUnavailable('remote.example.org', 'unreachable'), 15 * MINUTE_MS);
  pass(MINUTE_MS + 1);
  await refuse(URI, 'server');
  await assert.rejects(refuse(URI, 'media'), NotFound);
  pass(14 * MINUTE_MS);
  await refuse(URI, 'media');
});

test('who is told when to come back is told how long that still is', async () => {
  const { remember, refuse, pass } = start();
  await remember('a', new RemoteUnavailable('remote.example.org', 'left alone', undefined, 30_000), MINUTE_MS);
  pass(20_000);
  await assert.rejects(refuse(URI, 'a'), { retryAfterSeconds: 10 });
});
