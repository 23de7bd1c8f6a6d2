import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBlurhash } from './blurhash.ts';

for (const text of ['LEHV6nWB2yk8pyo0adR*.7kCMdnj', '00OZZy', 'L0Eyb[~qfQ~q~qj[fQj[fQfQfQfQ']) {
  test(`${text} is a blurhash`, () => assert.ok(isBlurhash(text)));
}

for (const text of [
  '',
  'LEHV6',
  'LEHV6nWB2yk8pyo0adR*.7kCMdn',
  'LEHV6nWB2yk8pyo0adR*.7kCMdnjj',
  'LEHV6nWB2yk8pyo0adR*.7kCMdn"',
  'LEHV6nWB2yk8pyo0adR*.7kCMdn\n',
  'LEHV6nWB2yk8pyo0adR*.7kCMdnä',
  'a picture of a cat',
]) {
  test(`${JSON.stringify(text)} is none`, () => assert.ok(!isBlurhash(text)));
}
