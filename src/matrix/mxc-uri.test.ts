import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidParam } from './errors.ts';
import { formatMxcUri, parseMediaId } from './mxc-uri.ts';
import { parseServerName } from './server-name.ts';

test('IDs of the specification, of MMR and of its older versions are media IDs', () => {
  for (const id of ['a', 'Ab_9-', `${'f'.repeat(40)}1781234567890123456`, 'ipfs:QmXYZ', 'a.b', 'x'.repeat(255)]) {
    assert.equal(parseMediaId(id), id);
  }
});

test('traversals, separators, controls and over-long texts are not media IDs', () => {
  for (const id of [
    '',
    '.',
    '..',
    '...',
    'a/b',
    'a\\b',
    '../x',
    '%2e%2e',
    'a\0',
    'a\r\nb',
    'ä',
    'a b',
    'x'.repeat(256),
  ]) {
    assert.throws(() => parseMediaId(id), InvalidParam, JSON.stringify(id));
  }
});

test('whatever is a media ID is one safe path segment', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      try {
        parseMediaId(text);
      } catch {
        return;
      }
      assert.equal(new URL(`http://example.org/x/${encodeURIComponent(text)}`).pathname.split('/').length, 3);
    }),
  );
});

test('a URI names origin and media ID', () => {
  const uri = { origin: parseServerName('example.org:8448'), mediaId: parseMediaId('abc') };
  assert.equal(formatMxcUri(uri), 'mxc://example.org:8448/abc');
});
