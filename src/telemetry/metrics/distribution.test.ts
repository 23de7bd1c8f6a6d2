import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Distribution } from './distribution.ts';

const BOUNDS = [1, 2, 5];

test('a value counts for the bound that it reaches, and for all above it', () => {
  const distribution = new Distribution(BOUNDS);
  for (const value of [0, 1, 1.5, 5, 6]) distribution.add(value);
  assert.deepEqual(distribution.cumulated(), [
    [1, 2],
    [2, 3],
    [5, 4],
  ]);
  assert.deepEqual([distribution.count, distribution.sum], [5, 13.5]);
});

test('each bound counts the values that do not exceed it', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 8 })), (values) => {
      const distribution = new Distribution(BOUNDS);
      for (const value of values) distribution.add(value);
      for (const [bound, count] of distribution.cumulated()) {
        assert.equal(count, values.filter((value) => value <= bound).length);
      }
      assert.equal(distribution.count, values.length);
    }),
  ));
