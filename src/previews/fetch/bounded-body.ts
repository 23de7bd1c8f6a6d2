import type { Readable } from 'node:stream';
import { NoPreview } from './no-preview.ts';

/** The begin of a body. Whatever ends the reading closes the connection. */
export async function* firstBytesOf(body: Readable, maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = maxBytes;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (chunk.length >= left) return yield chunk.subarray(0, left);
    left -= chunk.length;
    yield chunk;
  }
}

/** A body that is known to be small. @throws {NoPreview} when it is not */
export async function readWhole(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new NoPreview(`The answer was longer than ${maxBytes} bytes`, true);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
