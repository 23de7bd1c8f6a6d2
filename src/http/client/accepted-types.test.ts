import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { namedTypes } from './accepted-types.ts';

for (const [header, named] of [
  [undefined, []],
  ['', []],
  ['*/*', []],
  ['image/*', []],
  ['image/*,*/*;q=0.8', []],
  ['image/webp', ['image/webp']],
  ['Image/WebP ; Q=0.5', ['image/webp']],
  [
    'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8',
    ['image/avif', 'image/webp', 'image/apng', 'image/svg+xml'],
  ],
  ['image/webp;q=0', []],
  ['image/webp;q=0.000, image/avif;q=0.001', ['image/avif']],
  ['image/webp;q=nonsense', []],
  ['image/webp;level=1;q=0', []],
  ['image/webp;level=1', ['image/webp']],
  [' ,;, / ,image,', []],
] as const) {
  test(`Accept: ${header ?? '(none)'} names ${named.join(' and ') || 'nothing'}`, () => {
    assert.deepEqual([...namedTypes(header)], named);
  });
}

test('no header names a wildcard, or fails', () =>
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'image/webp*;q=0., ') }), (header) => {
      for (const type of namedTypes(header)) assert.match(type, /^[^*\s]+\/[^*\s]+$/);
    }),
  ));
