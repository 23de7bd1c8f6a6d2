import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HomeserverUnavailable } from '../matrix/index.ts';
import { createBreaker } from './breaker.ts';

const ALLOWED = 3;

function makeBreaker() {
  let time = 0;
  let calls = 0;
  const changes: string[] = [];
  const breaker = createBreaker({ now: () => time, onChange: (state, pauseMs) => changes.push(`${state} ${pauseMs}`) });
  return {
    changes,
    calls: () => calls,
    pass: (ms: number) => {
      time += ms;
    },
    fail: () =>
      assert.rejects(
        breaker.guard(ALLOWED, async () => {
          calls += 1;
          throw new HomeserverUnavailable('timeout');
        }),
        HomeserverUnavailable,
      ),
    guard: <Value>(call: () => Promise<Value>) => breaker.guard(ALLOWED, call),
  };
}

test('after so many failures in a row nothing is asked for a while, then longer with each failed try', async () => {
  const { fail, calls, changes, pass } = makeBreaker();
  for (let i = 0; i < ALLOWED; i += 1) await fail();
  await fail();
  assert.equal(calls(), ALLOWED, 'the last one was refused without a call');
  pass(1000);
  await fail();
  await fail();
  assert.equal(calls(), ALLOWED + 1);
  pass(1999);
  await fail();
  assert.equal(calls(), ALLOWED + 1);
  for (let i = 0; i < 10; i += 1) {
    pass(60_000);
    await fail();
  }
  assert.deepEqual(changes.slice(0, 3), ['paused 1000', 'paused 2000', 'paused 4000']);
  assert.equal(changes.at(-1), 'paused 60000');
});

test('a success in between starts the count anew, and the first one after a pause ends it', async () => {
  const { fail, calls, changes, guard, pass } = makeBreaker();
  for (let i = 1; i < ALLOWED; i += 1) await fail();
  assert.equal(await guard(async () => 1), 1);
  for (let i = 0; i < ALLOWED; i += 1) await fail();
  pass(1000);
  await guard(async () => 1);
  await fail();
  assert.equal(calls(), 2 * ALLOWED);
  assert.deepEqual(changes, ['paused 1000', 'recovered 0']);
});

test('only one call tries after a pause, and one that is broken off by its asker leaves the try to the next', async () => {
  const { fail, guard, pass } = makeBreaker();
  for (let i = 0; i < ALLOWED; i += 1) await fail();
  pass(1000);
  const { promise, reject } = Promise.withResolvers<number>();
  const trying = guard(() => promise);
  await assert.rejects(
    guard(async () => 1),
    HomeserverUnavailable,
  );
  reject(new Error('left'));
  await assert.rejects(trying, { message: 'left' });
  assert.equal(await guard(async () => 2), 2);
});

test('errors of the one who asks never count', async () => {
  const { guard, changes } = makeBreaker();
  for (let i = 0; i < 10; i += 1) {
    await assert.rejects(
      guard(async () => {
        throw new Error('left');
      }),
    );
  }
  assert.deepEqual(changes, []);
});
