import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { summarise } from './summarise.ts';

const CASES: readonly (readonly [text: string, maxWords: number, maxLength: number, summary: string])[] = [
  ['one two three four five six', 3, 100, 'one two three'],
  ['one two three four five six', 50, 12, 'one two'],
  ['  one\n\ntwo\tthree \u00a0 four\nfive ', 50, 100, 'one two\tthree four five'],
  ['漢'.repeat(100), 50, 200, '漢'.repeat(100)],
  ['漢'.repeat(300), 50, 200, `${'漢'.repeat(197)}...`],
  ['a'.repeat(200), 50, 200, 'a'.repeat(200)],
  ['a'.repeat(201), 50, 200, `${'a'.repeat(197)}...`],
  [`short ${'漢'.repeat(100)}`, 50, 200, `short ${'漢'.repeat(100)}`],
  [`short ${'漢'.repeat(300)}`, 50, 200, `short ${'漢'.repeat(191)}...`],
  ['', 50, 200, ''],
  [' \n ', 50, 200, ''],
  ['one two', 0, 200, ''],
  ['one two', 50, 0, ''],
  ['abcdef', 50, 2, 'ab'],
  ['a\0b\u0007c\ud800', 50, 200, 'abc\ufffd'],
  ['report\u202efdp.exe', 50, 200, 'reportfdp.exe'],
  ['👩‍👩‍👧‍👦'.repeat(3), 50, 10, '👩‍👩‍👧‍👦...'],
];

for (const [text, maxWords, maxLength, summary] of CASES) {
  test(`${JSON.stringify(text.slice(0, 30))} in ${maxWords} words and ${maxLength} characters`, () => {
    assert.equal(summarise(text, { maxWords, maxLength }), summary);
  });
}

test('a summary is never longer than it may be, has no line breaks, and begins and ends with no space', () =>
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.nat(60),
      fc.integer({ min: 0, max: 80 }),
      (text, maxWords, maxLength) => {
        const summary = summarise(text, { maxWords, maxLength });
        assert.ok([...summary].length <= maxLength);
        assert.ok(summary.split(' ').length <= Math.max(1, maxWords));
        assert.doesNotMatch(summary, /[\r\n\0]|^ | $/);
      },
    ),
  ));
