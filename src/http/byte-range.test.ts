import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeNotSatisfiable } from '../matrix/index.ts';
import { parseRanges } from './byte-range.ts';

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
    if (answer === 416) assert.throws(() => parseRanges(header, 100), RangeNotSatisfiable);
    else if (answer === 'all') assert.equal(parseRanges(header, 100), undefined);
    else assert.deepEqual(parseRanges(header, 100), [{ start: answer[0], end: answer[1] }]);
  });
}

const SEVERAL: readonly [header: string, answer: readonly (readonly [start: number, end: number])[] | 'all' | 416][] = [
  [
    'bytes=0-1,5-6',
    [
      [0, 1],
      [5, 6],
    ],
  ],
  [
    'bytes=50-59, 0-9 ,-5',
    [
      [50, 59],
      [0, 9],
      [95, 99],
    ],
  ],
  [
    'bytes=0-1,,5-6,',
    [
      [0, 1],
      [5, 6],
    ],
  ],
  ['bytes=0-9,10-19', [[0, 19]]],
  ['bytes=0-9,20-29,5-24', [[0, 29]]],
  ['bytes=0-,0-,0-', [[0, 99]]],
  ['bytes=0-1,200-300', [[0, 1]]],
  ['bytes=200-,300-', 416],
  ['bytes=0-1,x-y', 'all'],
  ['bytes=0-1,9-5', 'all'],
  [`bytes=${Array.from({ length: 17 }, (_, at) => `${at * 3}-${at * 3}`).join(',')}`, 'all'],
];
for (const [header, answer] of SEVERAL) {
  test(`of 100 bytes, the several ranges ${header.slice(0, 40)} get ${JSON.stringify(answer)}`, () => {
    if (answer === 416) assert.throws(() => parseRanges(header, 100), RangeNotSatisfiable);
    else if (answer === 'all') assert.equal(parseRanges(header, 100), undefined);
    else
      assert.deepEqual(
        parseRanges(header, 100),
        answer.map(([start, end]) => ({ start, end })),
      );
  });
}

test('one range without an end gets as much as is allowed at a time; with an end, all that was asked for', () => {
  assert.deepEqual(parseRanges('bytes=5-', 100, 30), [{ start: 5, end: 34 }]);
  assert.deepEqual(parseRanges('bytes=90-', 100, 30), [{ start: 90, end: 99 }]);
  assert.deepEqual(parseRanges('bytes=5-80', 100, 30), [{ start: 5, end: 80 }]);
  assert.deepEqual(parseRanges('bytes=-80', 100, 30), [{ start: 20, end: 99 }]);
});

const position = fc.oneof(fc.constant(''), fc.nat(200).map(String), fc.bigInt(0n, 2n ** 80n).map(String));
const range = fc.tuple(position, position).map(([first, last]) => `${first}-${last}`);
const header = fc.oneof(
  fc.array(range, { maxLength: 20 }).map((ranges) => `bytes=${ranges.join(',')}`),
  fc.string().map((text) => `bytes=${text}`),
);

test('ranges never reach beyond the file, and never overlap', () =>
  fc.assert(
    fc.property(header, fc.integer({ min: 1, max: 300 }), (text, size) => {
      try {
        const sorted = [...(parseRanges(text, size) ?? [])].sort((a, b) => a.start - b.start);
        return sorted.every(({ start, end }, at) => {
          const next = sorted[at + 1]?.start ?? size + 1;
          return start >= 0 && start <= end && end < size && end + 1 < next;
        });
      } catch (error) {
        return error instanceof RangeNotSatisfiable;
      }
    }),
  ));
