import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanUploadName } from './upload-name.ts';

test('an ordinary name is kept as it is', () => assert.equal(cleanUploadName('Çat 🐔.png'), 'Çat 🐔.png'));

test('control characters are taken out', () => {
  assert.equal(cleanUploadName('a\r\nSet-Cookie: b\0\u007f\u0085c'), 'aSet-Cookie: bc');
});

test('halves of characters become the sign for what is unreadable', () => {
  assert.equal(cleanUploadName('a\ud83db'), 'a\ufffdb');
});

test('a long name is cut at 255 bytes, between characters', () => {
  assert.equal(cleanUploadName('x'.repeat(300)), 'x'.repeat(255));
  assert.equal(cleanUploadName('🐔'.repeat(300)), '🐔'.repeat(63));
});
