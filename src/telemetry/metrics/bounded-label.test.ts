import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { boundLabel, OTHER } from './bounded-label.ts';

test('the first values keep their names, later ones share one', () => {
  const label = boundLabel(2);
  assert.deepEqual(['a', 'b', 'a', 'c', 'd', 'b'].map(label), ['a', 'b', 'a', OTHER, OTHER, 'b']);
});

test('values that are always told take nobody else a place, and keep theirs', () => {
  const label = boundLabel(1, ['ours']);
  assert.deepEqual(['a', 'b', 'ours'].map(label), ['a', OTHER, 'ours']);
});

test('however many values come, there are no more than the limit and the one for all others', () =>
  fc.assert(
    fc.property(fc.array(fc.string()), fc.nat(10), (values, max) => {
      assert.ok(new Set(values.map(boundLabel(max))).size <= max + 1);
    }),
  ));
