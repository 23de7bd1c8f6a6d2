import { createHash } from 'node:crypto';
import type { Datastore, StoredObject, Temporary } from '../datastores/index.ts';
import type { Pace } from './pace.ts';

/** A copy that nobody can see yet. Dispose its temporary, also when it was kept. */
export interface CopiedObject {
  readonly temporary: Temporary;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** What was read, in one pass: the copy, its hash, its size. */
export async function copyObject(
  object: StoredObject,
  target: Datastore,
  contentType: string,
  pace: Pace,
  signal: AbortSignal,
): Promise<CopiedObject> {
  const temporary = await target.createTemporary(contentType, signal);
  try {
    const read = await readWhole(object, signal, async (chunk) => {
      await temporary.write([chunk]);
      await pace.spend(chunk.length, signal);
    });
    return { temporary, ...read };
  } catch (error) {
    await temporary[Symbol.asyncDispose]();
    throw error;
  }
}

/** @param use gets each chunk, which is valid until it resolves */
export async function readWhole(
  object: StoredObject,
  signal: AbortSignal,
  use: (chunk: Uint8Array) => Promise<void>,
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  if (object.sizeBytes > 0) {
    for await (const chunk of object.read({ start: 0, end: object.sizeBytes - 1 }, signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      await use(chunk);
    }
  }
  return { sha256: hash.digest('hex'), sizeBytes: bytes };
}
