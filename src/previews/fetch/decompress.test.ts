import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { readWhole, takeBegin } from './bounded-body.ts';
import { decompress } from './decompress.ts';
import { NoPreview } from './no-preview.ts';

const TEXT = 'What a page says. '.repeat(100);

const PACKED: readonly (readonly [coding: string, bytes: Buffer])[] = [
  ['', Buffer.from(TEXT)],
  ['identity', Buffer.from(TEXT)],
  ['gzip', gzipSync(TEXT)],
  ['X-GZIP', gzipSync(TEXT)],
  ['deflate', deflateSync(TEXT)],
  ['deflate', deflateRawSync(TEXT)],
  ['br', brotliCompressSync(TEXT)],
  ['zstd', zstdCompressSync(TEXT)],
  ['gzip , br', brotliCompressSync(gzipSync(TEXT))],
];

for (const [coding, bytes] of PACKED) {
  test(`a body in the coding "${coding}" is read, in whatever pieces it comes`, async () => {
    for (const length of [1, 7, bytes.length]) {
      const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) =>
        bytes.subarray(at * length, (at + 1) * length),
      );
      const body = await decompress(Readable.from(pieces, { objectMode: false }), coding);
      assert.equal((await readWhole(body, 1_000_000)).toString(), TEXT);
    }
  });
}

test('a coding that is not known, or too many of them, are no preview', async () => {
  for (const coding of ['rot13', 'gzip, gzip, gzip']) {
    await assert.rejects(decompress(Readable.from(['x']), coding), NoPreview);
  }
});

test('an empty body is empty in every coding', async () => {
  for (const coding of ['', 'gzip', 'deflate']) {
    const body = await decompress(Readable.from([], { objectMode: false }), coding);
    assert.equal((await readWhole(body, 10)).length, 0, coding);
  }
});

test('no more is decompressed than is read, and then the connection is closed', async () => {
  const source = new PassThrough();
  source.write(gzipSync(Buffer.alloc(50_000_000)));
  const body = await decompress(source, 'gzip');
  let bytes = 0;
  await takeBegin(body, 100_000, ({ length }) => {
    bytes += length;
    return false;
  });
  assert.equal(bytes, 100_000);
  assert.ok(body.destroyed);
});

test('a body that is longer than it may be is refused', async () => {
  await assert.rejects(readWhole(Readable.from([Buffer.alloc(11)]), 10), NoPreview);
});
