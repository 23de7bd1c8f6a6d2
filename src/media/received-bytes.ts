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

/**
 * One pass over the stream: count, hash, write. Nothing buffers the whole.
 * @param body whose chunks are nobody else's: when they are written, their memory is taken away
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
): Promise<ReceivedBytes> {
  const temporary = await datastore.createTemporary(contentType, signal);
  try {
    return { temporary, ...(await writeDown(body, temporary, buffers, maxBytes, signal)) };
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

/** Of so many pieces at most: one of a byte takes as much memory as one of hundreds. */
const MAX_PIECES = 256;

/** Reads on when what was read is written: that bounds what an upload holds in memory. */
async function writeDown(
  body: AsyncIterable<Uint8Array>,
  temporary: Temporary,
  buffers: ReceiveBuffers,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Pick<ReceivedBytes, 'sha256' | 'sizeBytes'>> {
  using buffer = buffers.join();
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  for await (const chunk of body) {
    signal.throwIfAborted();
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    hash.update(chunk);
    batch.push(chunk);
    batchBytes += chunk.length;
    if (batchBytes < buffer.maxBytes && batch.length < MAX_PIECES) continue;
    await writeAndRelease(temporary, batch);
    batch = [];
    batchBytes = 0;
  }
  if (batchBytes > 0) await writeAndRelease(temporary, batch);
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
