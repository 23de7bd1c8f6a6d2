import { createHash } from 'node:crypto';
import type { Datastore, StoredObject, Temporary } from '../datastores/index.ts';
import { asWritten, ReadFailed } from './object-trouble.ts';
import type { Pace } from './pace.ts';

/** A copy that nobody can see yet. Dispose its temporary, also when it was kept. */
export interface CopiedObject {
  readonly temporary: Temporary;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * What was read, in one pass: the copy, its hash, its size.
 * @throws {ReadFailed} {@link WriteFailed} {@link StorageFull}
 */
export async function copyObject(
  object: StoredObject,
  target: Datastore,
  contentType: string,
  pace: Pace,
  signal: AbortSignal,
): Promise<CopiedObject> {
  const temporary = await asWritten(() => target.createTemporary(contentType, signal));
  try {
    const read = await readWhole(object, signal, async (chunk) => {
      await asWritten(() => temporary.write([chunk]));
      await pace.spend(chunk.length, signal);
    });
    return { temporary, ...read };
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * @param use gets each chunk, which is valid until it resolves
 * @throws {ReadFailed} and what `use` throws
 */
export async function readWhole(
  object: StoredObject,
  signal: AbortSignal,
  use: (chunk: Uint8Array) => Promise<void>,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  if (object.sizeBytes > 0) {
    for await (const chunk of chunksOf(object, signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      await use(chunk);
    }
  }
  return { sha256: hash.digest('hex'), sizeBytes: bytes };
}

async function* chunksOf(object: StoredObject, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* object.read({ start: 0, end: object.sizeBytes - 1 }, signal);
  } catch (error) {
    throw new ReadFailed(error);
  }
}
