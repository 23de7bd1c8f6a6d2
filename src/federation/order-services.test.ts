import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { orderServices } from './order-services.ts';

const record = (target: string, priority: number, weight: number, port = 8448) => ({ target, priority, weight, port });
const targets = (records: readonly { readonly target: string }[]) => records.map(({ target }) => target).join('');

test('lower priorities come first', () => {
  const records = [record('c', 30, 0), record('a', 10, 0), record('b', 20, 100)];
  assert.equal(targets(orderServices(records, () => 0.5)), 'abc');
});

for (const [drawn, expected] of [
  [0, 'cab'], // no weight: first in line for the smallest draw
  [0.01, 'abc'],
  [0.74, 'abc'],
  [0.76, 'bac'],
  [0.999, 'bac'],
] as const) {
  test(`among equals a draw of ${drawn} decides by weight`, () => {
    const records = [record('a', 10, 75), record('b', 10, 25), record('c', 10, 0)];
    const draws = [drawn, 0.5];
    assert.equal(targets(orderServices(records, () => draws.shift() ?? 0.5)), expected);
  });
}

test('a dot for a target, and port 0, are no service', () => {
  assert.deepEqual(orderServices([record('', 0, 0), record('a', 0, 0, 0)], Math.random), []);
});

test('of hundreds of services a few are tried', () => {
  assert.equal(
    orderServices(
      Array.from({ length: 300 }, () => record('a', 1, 1)),
      Math.random,
    ).length,
    8,
  );
});

test('whatever is drawn, each service is there once and priorities never fall', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(65_535)), { maxLength: 8 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (shapes, draws) => {
        const records = shapes.map(([priority, weight], index) => record(String(index), priority, weight));
        const ordered = orderServices(records, () => draws.next().value);
        assert.deepEqual(new Set(ordered), new Set(records));
        assert.deepEqual(
          ordered.map(({ priority }) => priority),
          records.map(({ priority }) => priority).sort((a, b) => a - b),
        );
      },
    ),
  ));
