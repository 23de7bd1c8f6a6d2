import type { ByteRange, Redirect, StoredObject } from './datastore.ts';
import type { SharedFile } from './open-files.ts';

const CHUNK_BYTES = 256 * 1024;

/** Releases the file when it is disposed. */
export function objectOfFile(file: SharedFile, redirect: Redirect | undefined): StoredObject {
  let isReleased = false;
  return {
    sizeBytes: file.sizeBytes,
    redirect,
    read: (range, signal) => readChunks(file, range, signal),
    async [Symbol.asyncDispose]() {
      if (!isReleased) file.release();
      isReleased = true;
    },
  };
}

async function* readChunks(file: SharedFile, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const length = range.end - range.start + 1;
  const buffer = Buffer.allocUnsafeSlow(Math.min(length, CHUNK_BYTES));
  for (let position = range.start; position <= range.end; ) {
    signal.throwIfAborted();
    const wanted = Math.min(buffer.length, range.end - position + 1);
    const { bytesRead } = await file.handle.read(buffer, 0, wanted, position);
    if (bytesRead === 0) throw new Error(`The file ends at byte ${position}, before the range does`);
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
