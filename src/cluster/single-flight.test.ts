import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSingleFlight } from './single-flight.ts';

const never = new AbortController().signal;

test('work that several ask for at once is done once, and all get what came of it', async () => {
  const once = createSingleFlight<number>();
  const { promise, resolve } = Promise.withResolvers<number>();
  let starts = 0;
  const work = () => {
    starts += 1;
    return promise;
  };
  const asked = [once('a', never, work), once('a', never, work), once('b', never, work)];
  resolve(5);
  assert.deepEqual(await Promise.all(asked), [5, 5, 5]);
  assert.equal(starts, 2);
});

test('a failure reaches all who asked, and the next one tries again', async () => {
  const once = createSingleFlight<number>();
  const fail = () => Promise.reject(new Error('no'));
  const asked = await Promise.allSettled([once('a', never, fail), once('a', never, fail)]);
  assert.deepEqual(
    asked.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await once('a', never, async () => 1), 1);
});

test('one who leaves gets his own reason and does not disturb the others', async () => {
  const once = createSingleFlight<number>();
  const { promise, resolve } = Promise.withResolvers<number>();
  const leaving = new AbortController();
  const left = once('a', leaving.signal, () => promise);
  const stayed = once('a', never, () => promise);
  leaving.abort(new Error('gone'));
  await assert.rejects(left, { message: 'gone' });
  resolve(1);
  assert.equal(await stayed, 1);
});

test('work is given up when the last one has left, and whoever comes then starts it anew', async () => {
  const once = createSingleFlight<number>();
  const leaving = new AbortController();
  let given: AbortSignal | undefined;
  const left = once('a', leaving.signal, (signal) => {
    given = signal;
    return new Promise(() => undefined);
  });
  leaving.abort(new Error('gone'));
  await assert.rejects(left, { message: 'gone' });
  assert.equal(given?.aborted, true);
  assert.equal(await once('a', never, async () => 2), 2);
});
