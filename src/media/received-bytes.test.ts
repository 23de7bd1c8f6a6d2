import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Datastore, Temporary } from '../datastores/index.ts';
import { createReceiveBuffers } from './receive-buffers.ts';
import { receiveBytes } from './received-bytes.ts';

/** A datastore that notes in how many pieces it is given how many bytes. */
function playDatastore() {
  const writes: { pieces: number; bytes: number }[] = [];
  const temporary: Temporary = {
    async write(chunks) {
      writes.push({ pieces: chunks.length, bytes: chunks.reduce((sum, { length }) => sum + length, 0) });
    },
    keep: async () => 'aa/bb/cc',
    async [Symbol.asyncDispose]() {},
  };
  const datastore: Pick<Datastore, 'createTemporary'> = { createTemporary: async () => temporary };
  return { datastore, writes };
}

async function* chunksOf(size: number, count: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(size, 'x');
}

for (const [size, count] of [
  [1, 10_000],
  [1_400, 2_000],
  [65_536, 40],
] as const) {
  test(`${count} pieces of ${size} bytes wait for the disk in few pieces and few bytes`, async (t) => {
    const { datastore, writes } = playDatastore();
    const body = chunksOf(size, count);
    const { sha256, sizeBytes } = await receiveBytes(
      body,
      datastore,
      'text/plain',
      createReceiveBuffers(),
      Infinity,
      t.signal,
    );
    assert.equal(sizeBytes, size * count);
    assert.equal(
      sha256,
      createHash('sha256')
        .update(Buffer.alloc(size * count, 'x'))
        .digest('hex'),
    );
    assert.ok(writes.every(({ pieces, bytes }) => pieces <= 256 && bytes < 1_048_576 + 65_536));
    assert.equal(
      writes.reduce((sum, { bytes }) => sum + bytes, 0),
      sizeBytes,
    );
  });
}
