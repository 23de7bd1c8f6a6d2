import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeInCapitals } from './small-capitals.ts';

test('the text of the quarantine picture is as wide as it was in the font of matrix-media-repo', () => {
  assert.equal(writeInCapitals('media not allowed').width, 579);
});

test('letters stand on the line, one after the other', () => {
  assert.deepEqual(writeInCapitals('do'), {
    path: 'M3 -33L13 -33A15 15 0 0 1 13 -3L3 -3ZM41 -18A15.5 15 0 0 1 72 -18A15.5 15 0 0 1 41 -18Z',
    strokeWidth: 6,
    width: 75,
  });
});

test('a letter that is not there is no silent gap', () => {
  assert.throws(() => writeInCapitals('xyz'), /no letter "x"/);
});
