import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePng } from '../../../test/pictures.ts';
import { sniffType } from './sniff-type.ts';

test('what nobody names is known by its first bytes: pictures, what is no text, and what may be a page', async () => {
  assert.equal(sniffType(await makePng({ width: 2, height: 2 })), 'image/png');
  for (const bytes of ['\x7fELF\x02\x01', 'PK\x03\x04', '\x1f\x8b\x08\0', 'a\0b']) {
    assert.equal(sniffType(Buffer.from(bytes, 'latin1')), 'application/octet-stream', JSON.stringify(bytes));
  }
  for (const text of [
    '',
    '<title>x</title>',
    '<p><svg></svg>',
    '\x1b$B',
    'a\tb\f\r\n',
    '\xff\xfea\0',
    '\xfe\xff\0a',
    '\xe4',
  ]) {
    assert.equal(sniffType(Buffer.from(text, 'latin1')), '', JSON.stringify(text));
  }
});
