import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Redirect, StoredObject } from '../datastores/index.ts';

/** Small objects that are asked for again and again, in memory: reading them touches no disk. */
export interface HotObjects {
  /** @param sha256 of the object's content, which is what makes a remembered one right */
  find(sha256: string): StoredObject | undefined;
  /**
   * Takes a small object into memory and disposes it; any other one comes back as it is.
   * @throws what reading throws, after disposing the object
   */
  keep(sha256: string, object: StoredObject, signal: AbortSignal): Promise<StoredObject>;
}

const MAX_OBJECT_BYTES = 64 * 1024;
const MAX_BYTES = 32 * 1024 * 1024;
/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 256;

export function createHotObjects(): HotObjects {
  const objects = new LRUCache<string, StoredObject>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ sizeBytes }) => sizeBytes + ENTRY_BYTES,
  });
  return {
    find: (sha256) => objects.get(sha256),
    async keep(sha256, object, signal) {
      const { redirect, sizeBytes } = object;
      if (sizeBytes > MAX_OBJECT_BYTES || sizeBytes === 0) return object;
      const load = async (loading: AbortSignal) => {
        const bytes = await readWhole(object, loading);
        const kept = objectInMemory(bytes, redirect?.isPreferred ? redirect : undefined);
        // What one damaged object holds is not given for all others of this hash.
        if (hash('sha256', bytes, 'hex') === sha256) objects.set(sha256, kept);
        return kept;
      };
      if (redirect !== undefined && !redirect.isPreferred) return keptWhenRead(object, load);
      await using _original = object;
      return await load(signal);
    },
  };
}

/** Whoever is sent elsewhere for the bytes does not need them here. */
function keptWhenRead(object: StoredObject, load: (signal: AbortSignal) => Promise<StoredObject>): StoredObject {
  return {
    sizeBytes: object.sizeBytes,
    redirect: object.redirect,
    async *read(range, signal) {
      const kept = await load(signal);
      yield* kept.read(range, signal);
    },
    ...(object.confirm !== undefined && { confirm: object.confirm }),
    [Symbol.asyncDispose]: () => object[Symbol.asyncDispose](),
  };
}

async function readWhole(object: StoredObject, signal: AbortSignal): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(object.sizeBytes);
  if (whole.length === 0) return whole;
  let position = 0;
  for await (const chunk of object.read({ start: 0, end: whole.length - 1 }, signal)) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}

/** The bytes must not change any more. */
export function objectInMemory(bytes: Buffer, redirect: Redirect | undefined): StoredObject {
  return {
    sizeBytes: bytes.length,
    bytes,
    redirect,
    async *read({ start, end }) {
      yield bytes.subarray(start, end + 1);
    },
    async [Symbol.asyncDispose]() {},
  };
}
