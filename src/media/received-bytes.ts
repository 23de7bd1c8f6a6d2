import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Datastore, Temporary } from '../datastores/index.ts';
import { TooLarge } from '../matrix/index.ts';

/** Bytes that lie whole in a temporary and have not been accepted yet. */
export interface ReceivedBytes {
  readonly temporary: Temporary;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Counts and hashes what passes, and ends it at the limit. */
class Meter extends Transform {
  readonly #hash = createHash('sha256');
  readonly #maxBytes: number;
  #sizeBytes = 0;

  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#sizeBytes += chunk.length;
    if (this.#sizeBytes > this.#maxBytes) {
      callback(tooLarge(this.#maxBytes));
      return;
    }
    this.#hash.update(chunk);
    callback(null, chunk);
  }
}

export function tooLarge(maxBytes: number): TooLarge {
  return new TooLarge(`The file is larger than the ${maxBytes} bytes that this server accepts`);
}

/**
 * One pass over the stream: count, hash, write. Nothing buffers the whole.
 * @param maxBytes refused with {@link TooLarge} as soon as one byte more has come; `Infinity` for no limit
 * @returns what to dispose (`temporary`), also when it is kept
 */
export async function receiveBytes(
  body: AsyncIterable<Uint8Array>,
  datastore: Datastore,
  maxBytes: number,
  signal: AbortSignal,
): Promise<ReceivedBytes> {
  const temporary = await datastore.createTemporary(signal);
  try {
    const meter = new Meter(maxBytes);
    await pipeline(body, meter, temporary.writable, { signal });
    return { temporary, sha256: meter.digest(), sizeBytes: meter.sizeBytes };
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}
