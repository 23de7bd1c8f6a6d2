import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReceiveBuffers } from './receive-buffers.ts';

test('one upload alone is written in large pieces, and many together stay within the bound', () => {
  const buffers = createReceiveBuffers();
  const first = buffers.join();
  assert.equal(first.maxBytes, 1_048_576);
  const others = Array.from({ length: 99 }, () => buffers.join());
  assert.ok(first.maxBytes * 100 <= 16 * 1_048_576);
  const more = Array.from({ length: 900 }, () => buffers.join());
  assert.ok(first.maxBytes * 1000 <= 16 * 1_048_576);
  const tooMany = Array.from({ length: 9000 }, () => buffers.join());
  assert.equal(first.maxBytes, 16_384, 'never so little that writing costs more than it saves');
  for (const one of [...others, ...more, ...tooMany]) one[Symbol.dispose]();
  for (const one of others) one[Symbol.dispose]();
  assert.equal(first.maxBytes, 1_048_576, 'who leaves twice has left once');
});
