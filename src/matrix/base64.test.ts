import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBase64, encodeUnpaddedBase64 } from './base64.ts';

// The table of the specification's appendices.
for (const [text, encoded] of [
  ['', ''],
  ['f', 'Zg'],
  ['fo', 'Zm8'],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg'],
  ['fooba', 'Zm9vYmE'],
  ['foobar', 'Zm9vYmFy'],
] as const) {
  test(`JSON-6: "${text}" is "${encoded}" in unpadded base64, and back`, () => {
    assert.equal(encodeUnpaddedBase64(Buffer.from(text)), encoded);
    assert.equal(Buffer.from(decodeBase64(encoded) ?? 'none').toString(), text);
  });
}

test('JSON-6: padding is accepted, another alphabet and pieces are not', () => {
  assert.deepEqual(decodeBase64('Zg=='), Uint8Array.of(0x66));
  for (const text of ['Zg=', 'Z', 'a-b_', 'Zm9v!', 'Zg==Zg==', 'Zm9v='])
    assert.equal(decodeBase64(text), undefined, text);
});

test('JSON-6: all bytes come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeUnpaddedBase64(bytes);
      assert.match(text, /^[A-Za-z0-9+/]*$/);
      assert.deepEqual(decodeBase64(text), bytes);
    }),
  );
});
