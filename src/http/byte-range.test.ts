import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeNotSatisfiable } from '../matrix/index.ts';
import { parseRange } from './byte-range.ts';

const CASES: readonly [header: string, answer: [start: number, end: number] | 'all' | 416][] = [
  ['bytes=0-9', [0, 9]],
  ['bytes=0-0', [0, 0]],
  ['bytes=99-99', [99, 99]],
  ['bytes=90-1000', [90, 99]],
  ['bytes=5-', [5, 99]],
  ['bytes=-5', [95, 99]],
  ['bytes=-1000', [0, 99]],
  ['Bytes= 1-2 ', [1, 2]],
  ['bytes=0-99999999999999999999', [0, 99]],
  ['bytes=100-', 416],
  ['bytes=100-200', 416],
  ['bytes=99999999999999999999-', 416],
  ['bytes=-0', 416],
  ['bytes=5-2', 'all'],
  ['bytes=200-100', 'all'],
  ['bytes=0-1,5-6', 'all'],
  ['bytes=-', 'all'],
  ['bytes=', 'all'],
  ['bytes', 'all'],
  ['', 'all'],
  ['bytes=a-b', 'all'],
  ['bytes=1.5-2', 'all'],
  ['bytes=+1-2', 'all'],
  ['bytes=--1', 'all'],
  ['items=0-9', 'all'],
  ['items=500-', 'all'],
];
for (const [header, answer] of CASES) {
  test(`of 100 bytes, ${JSON.stringify(header)} gets ${String(answer)}`, () => {
    if (answer === 416) assert.throws(() => parseRange(header, 100), RangeNotSatisfiable);
    else if (answer === 'all') assert.equal(parseRange(header, 100), undefined);
    else assert.deepEqual(parseRange(header, 100), { start: answer[0], end: answer[1] });
  });
}

const position = fc.oneof(fc.constant(''), fc.nat().map(String), fc.bigInt(0n, 2n ** 80n).map(String));
const header = fc.oneof(
  fc.tuple(position, position).map(([first, last]) => `bytes=${first}-${last}`),
  fc.string().map((text) => `bytes=${text}`),
);

test('a range never reaches beyond the file', () =>
  fc.assert(
    fc.property(header, fc.integer({ min: 1 }), (text, size) => {
      try {
        const range = parseRange(text, size);
        return range === undefined || (range.start >= 0 && range.start <= range.end && range.end < size);
      } catch (error) {
        return error instanceof RangeNotSatisfiable;
      }
    }),
  ));
