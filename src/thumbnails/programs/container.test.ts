import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAvif, makePng } from '../../../test/pictures.ts';
import { makePdf, makeWav } from '../../../test/recordings.ts';
import { findContainer } from './container.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
/** An ID3 tag of so many bytes, and what follows it. */
const tagged = (size: number, rest: string) =>
  Buffer.concat([
    latin1(`ID3\x04\0\0\0\0${String.fromCharCode(size >> 7, size & 127)}`),
    Buffer.alloc(size),
    latin1(rest),
  ]);

for (const [container, bytes] of [
  ['mov', latin1('\0\0\0\x18ftypisom\0\0\x02\0isomiso2')],
  ['mov', latin1('\0\0\0\x18ftypmp42\0\0\0\0mp42isom')],
  ['mov', latin1('\0\0\0\x18ftypM4A \0\0\0\0')],
  ['mov', latin1('\0\0\0\x14ftypqt  \0\0\0\0qt  ')],
  ['mov', latin1('\0\0\0\x08wide\0\0\0\0mdat')],
  ['matroska', latin1('\x1aE\xdf\xa3\x9fB\x86')],
  ['ogg', latin1('OggS\0\x02')],
  ['wav', makeWav({ seconds: 0.01, channels: [() => 0] })],
  ['wav', latin1('RF64\xff\xff\xff\xffWAVEds64')],
  ['flac', latin1('fLaC\0\0\0\x22')],
  ['flac', tagged(200, 'fLaC')],
  ['mp3', latin1('\xff\xfb\x90\x64')],
  ['mp3', tagged(200, '\xff\xfb\x90\x64')],
  ['mp3', tagged(9000, '\xff\xfb\x90\x64')],
  ['aac', latin1('\xff\xf1\x50\x80')],
  ['pdf', makePdf({ width: 10, height: 10 })],
  ['pdf', latin1('\xef\xbb\xbf\r\n%PDF-2.0')],
  [undefined, Buffer.alloc(0)],
  [undefined, latin1('ID3')],
  [undefined, tagged(200, 'something else')],
  [undefined, latin1('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
  [undefined, latin1('ffconcat version 1.0\nfile /etc/passwd\n')],
  [undefined, latin1('<?xml version="1.0"?><MPD></MPD>')],
  [undefined, latin1('v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n')],
  [undefined, latin1('\0\0\0\x18ftypheic\0\0\0\0mif1heic')],
  [undefined, latin1('\0\0\0\x18ftypmif1\0\0\0\0mif1heic')],
  [undefined, latin1('\0\0\0\x18ftypcrx \0\0\0\0')],
  [undefined, await makeAvif({ width: 16, height: 16 })],
  [undefined, await makePng({ width: 16, height: 16 })],
  [undefined, latin1('\xff\xfe<\0h\0t\0m\0l\0')],
  [undefined, latin1('see %PDF-1.4')],
] as const) {
  test(`what starts with ${JSON.stringify(bytes.toString('latin1', 0, 12))} is read as ${container ?? 'nothing'}`, () =>
    assert.equal(findContainer(bytes), container));
}
