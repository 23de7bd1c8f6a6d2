import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLeakyBuckets } from './leaky-buckets.ts';

const shape = { capacity: 10, overflow: 5, drainPerSecond: 2 };

function makeBuckets() {
  let time = 1_000_000;
  const buckets = createLeakyBuckets({ now: () => time, maxKeys: 3 });
  const pass = (ms: number) => {
    time += ms;
  };
  return { pour: (amount: number, key = 'a') => buckets.pour(key, amount, shape), pass };
}

test('a bucket takes what fits, and says how much more does', () => {
  const { pour } = makeBuckets();
  assert.deepEqual(pour(4), { isTaken: true, left: 6, retryAfterMs: 0 });
  assert.deepEqual(pour(6), { isTaken: true, left: 0, retryAfterMs: 0 });
});

test('the last amount may overflow, but not by more than is allowed, and nothing comes after it', () => {
  const { pour } = makeBuckets();
  pour(9);
  assert.equal(pour(7).isTaken, false);
  assert.equal(pour(6).isTaken, true);
  assert.equal(pour(0).isTaken, false);
});

test('what was refused is taken after the time that was told, and not before', () => {
  const { pour, pass } = makeBuckets();
  pour(10);
  const refused = pour(8);
  assert.deepEqual(refused, { isTaken: false, left: 0, retryAfterMs: 1500 });
  pass(1499);
  assert.equal(pour(8).isTaken, false);
  pass(1);
  assert.equal(pour(8).isTaken, true);
});

test('an empty bucket takes any amount, however large', () => {
  const { pour, pass } = makeBuckets();
  assert.equal(pour(1000).isTaken, true);
  assert.equal(pour(1).isTaken, false);
  pass(495_000);
  assert.equal(pour(1).isTaken, true);
});

test('a bucket that does not leak says so with an endless wait', () => {
  const buckets = createLeakyBuckets({ now: () => 0, maxKeys: 3 });
  const full = { capacity: 1, overflow: 0, drainPerSecond: 0 };
  buckets.pour('a', 1, full);
  assert.equal(buckets.pour('a', 1, full).retryAfterMs, Number.POSITIVE_INFINITY);
});

test('keys do not share, a clock that jumps back gives nothing away, and old keys are forgotten', () => {
  const { pour, pass } = makeBuckets();
  pour(10);
  assert.equal(pour(1, 'b').left, 9);
  pass(-60_000);
  assert.equal(pour(6).isTaken, false);
  for (const key of ['c', 'd', 'e']) pour(1, key);
  assert.equal(pour(10).isTaken, true);
});
