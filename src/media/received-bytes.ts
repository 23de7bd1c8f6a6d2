import { createHash } from 'node:crypto';
import type { Datastore, Temporary } from '../datastores/index.ts';
import { TooLarge } from '../matrix/index.ts';
import type { ReceiveBuffers } from './receive-buffers.ts';

/** Bytes that lie whole in a temporary and have not been accepted yet. */
export interface ReceivedBytes {
  readonly temporary: Temporary;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export function tooLarge(maxBytes: number): TooLarge {
  return new TooLarge(`The file is larger than the ${maxBytes} bytes that this server accepts`);
}

/** Somebody who wants the bytes before all of them are there. */
export interface Follower {
  /** Before the first byte is written. The temporary is disposed only after `fail`, or by whoever gets it. */
  begin(temporary: Temporary): void;
  /** @param writtenBytes so far */
  advance(writtenBytes: number): void;
  fail(error: unknown): void;
}

/**
 * One pass over the stream: count, hash, write. Nothing buffers the whole.
 * @param body whose chunks are nobody else's: when they are written, their memory is taken away. An empty one says that
 * nothing more is at hand: what has come is written at once
 * @param buffers where a part waits until it is written
 * @param maxBytes refused with {@link TooLarge} as soon as one byte more has come; `Infinity` for no limit
 * @returns what to dispose (`temporary`), also when it is kept
 */
export async function receiveBytes(
  body: AsyncIterable<Uint8Array>,
  datastore: Pick<Datastore, 'createTemporary'>,
  contentType: string,
  buffers: ReceiveBuffers,
  maxBytes: number,
  signal: AbortSignal,
  follower?: Follower,
): Promise<ReceivedBytes> {
  const temporary = await datastore.createTemporary(contentType, signal, follower !== undefined);
  try {
    follower?.begin(temporary);
    return { temporary, ...(await writeDown(body, temporary, buffers, maxBytes, signal, follower)) };
  } catch (error) {
    follower?.fail(error);
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

/** Of so many pieces at most: one of a byte takes as much memory as one of hundreds. */
const MAX_PIECES = 256;

/** Reads on while what was read is written, but no further than that: it bounds what an upload holds in memory. */
async function writeDown(
  body: AsyncIterable<Uint8Array>,
  temporary: Temporary,
  buffers: ReceiveBuffers,
  maxBytes: number,
  signal: AbortSignal,
  follower: Follower | undefined,
): Promise<Pick<ReceivedBytes, 'sha256' | 'sizeBytes'>> {
  using buffer = buffers.join(); // of which there are two: one fills up while the other is written
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let written: Promise<void> = Promise.resolve();
  const startWriting = async () => {
    await written;
    if (batchBytes === 0) return;
    const writtenBytes = sizeBytes;
    written = writeAndRelease(temporary, batch).then(() => follower?.advance(writtenBytes));
    written.catch(() => undefined); // told at the next batch, or at the end
    batch = [];
    batchBytes = 0;
  };
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      if (chunk.length > 0) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
        hash.update(chunk);
        batch.push(chunk);
        batchBytes += chunk.length;
        if (batchBytes < buffer.maxBytes && batch.length < MAX_PIECES) continue;
      }
      await startWriting();
    }
    await startWriting();
  } finally {
    await written; // the temporary must not be disposed while it is written to
  }
  signal.throwIfAborted();
  return { sha256: hash.digest('hex'), sizeBytes };
}

/** Gives the memory back at once. The collector would let tens of megabytes gather, and then take a third of a core. */
async function writeAndRelease(temporary: Temporary, chunks: readonly Uint8Array[]): Promise<void> {
  await temporary.write(chunks);
  for (const { buffer, byteLength } of chunks) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
  }
}
