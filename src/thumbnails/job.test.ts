import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnswer } from './job.ts';

for (const answer of [
  { kind: 'ready' },
  { kind: 'picture', contentType: 'image/png', width: 32, height: 1, animated: false },
  { kind: 'picture', contentType: 'image/avif', width: 32, height: 1, animated: false },
  { kind: 'original', contentType: 'image/webp' },
  { kind: 'blurhash', blurhash: 'LEHV6nWB2yk8pyo0adR*.7kCMdnj' },
  { kind: 'measurement', width: 4000, height: 1 },
  { kind: 'refused', why: 'corrupt' },
]) {
  test(`a worker may say ${JSON.stringify(answer)}`, () => assert.deepEqual(parseAnswer(answer), answer));
}

for (const nonsense of [
  undefined,
  null,
  'ready',
  {},
  { kind: 'other' },
  { kind: 'picture' },
  { kind: 'picture', contentType: 'text/html', width: 32, height: 32, animated: false },
  { kind: 'picture', contentType: 'image/png' },
  { kind: 'picture', contentType: 'image/png', width: 32, height: 0, animated: false },
  { kind: 'picture', contentType: 'image/webp', width: 32, height: 32 },
  { kind: 'picture', contentType: 'image/png', width: '32', height: 32, animated: false },
  { kind: 'original', contentType: ['image/png'] },
  { kind: 'original', contentType: 'image/avif' },
  { kind: 'blurhash' },
  { kind: 'blurhash', blurhash: '<script>' },
  { kind: 'measurement', width: 4000 },
  { kind: 'refused' },
  { kind: 'refused', why: 'a mood' },
]) {
  test(`a worker is not believed when it says ${JSON.stringify(nonsense)}`, () =>
    assert.equal(parseAnswer(nonsense), undefined));
}

test('nothing else comes through with an answer', () => {
  assert.deepEqual(parseAnswer({ kind: 'ready', more: 'than that' }), { kind: 'ready' });
});
