import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { deflateZeros } from './deflate-zeros.ts';

test('zeros that are packed by hand unpack to as many zeros', () => {
  for (const megabytes of [1, 3, 64]) {
    const packed = deflateZeros(megabytes);
    assert.ok(packed.length < megabytes * 1100, 'they are packed as tightly as zlib does');
    assert.ok(inflateSync(packed).equals(Buffer.alloc(megabytes * 1024 ** 2)));
  }
});
