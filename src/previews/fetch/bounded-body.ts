import type { Readable } from 'node:stream';
import { asNoPreview } from './fetcher.ts';
import { NoPreview } from './no-preview.ts';

/**
 * Hands over the begin of a body, piece by piece, until there is enough of it. Whatever ends the reading closes the
 * connection.
 * @param take says whether it has enough
 * @returns what the body broke off with; what came before has been handed over. `undefined`: it did not break off
 */
export async function takeBegin(
  body: Readable,
  maxBytes: number,
  take: (piece: Uint8Array) => boolean | Promise<boolean>,
): Promise<NoPreview | undefined> {
  let left = maxBytes;
  const pieces = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { value, done } = await nextOf(pieces);
      if (done) return value;
      left -= value.length;
      const isEnough = await take(left < 0 ? value.subarray(0, left) : value);
      if (isEnough || left <= 0) return undefined;
    }
  } finally {
    body.destroy();
  }
}

async function nextOf(pieces: AsyncIterator<Uint8Array>) {
  try {
    const { value, done } = await pieces.next();
    return done ? { value: undefined, done } : { value: value as Uint8Array, done: false as const };
  } catch (error) {
    const reason = asNoPreview(error);
    if (reason instanceof NoPreview) return { value: reason, done: true as const };
    throw reason;
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
