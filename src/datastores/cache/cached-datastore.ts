import type { ByteRange, Datastore, KnownContent, Location, StoredObject } from '../datastore.ts';
import { objectOfFile } from '../file-object.ts';
import type { Filling } from './filling.ts';
import type { ObjectCache } from './object-cache.ts';

/**
 * A datastore whose objects are read from copies on a local disk, once somebody has read them whole. Only who knows what the
 * object should be gets a copy; everybody else is answered by the datastore itself.
 */
export function withObjectCache(datastore: Datastore, cache: ObjectCache): Datastore {
  return {
    id: datastore.id,
    createTemporary: (contentType, signal, isReadable) => datastore.createTemporary(contentType, signal, isReadable),
    open: (location, signal) => datastore.open(location, signal),
    async openKnown(location, known, signal) {
      const original = await datastore.openKnown(location, known, signal);
      const file = await cache.open(location, known);
      if (file === undefined)
        return original === undefined ? undefined : copiedWhenRead(original, cache, location, known);
      const redirect = original?.redirect;
      await original?.[Symbol.asyncDispose]();
      return objectOfFile(file, redirect?.isPreferred ? redirect : undefined);
    },
    async delete(location, signal) {
      await cache.forget(location);
      await datastore.delete(location, signal);
    },
    list: (after, signal) => datastore.list(after, signal),
    checkHealth: (signal) => datastore.checkHealth(signal),
    async [Symbol.asyncDispose]() {
      await cache.loaded;
      await cache.close();
      await datastore[Symbol.asyncDispose]();
    },
  };
}

function copiedWhenRead(
  original: StoredObject,
  cache: ObjectCache,
  location: Location,
  known: KnownContent,
): StoredObject {
  const readAndCopy = async function* (range: ByteRange, signal: AbortSignal) {
    const isWhole = range.start === 0 && range.end === known.sizeBytes - 1;
    const filling = isWhole ? await cache.fill(location, known) : undefined;
    if (filling === undefined) yield* original.read(range, signal);
    else yield* copyTo(filling, original.read(range, signal), known.sizeBytes);
  };
  return {
    sizeBytes: original.sizeBytes,
    redirect: original.redirect,
    read: readAndCopy,
    ...(original.confirm !== undefined && {
      confirm: (signal: AbortSignal) => original.confirm?.(signal) ?? Promise.resolve(),
    }),
    [Symbol.asyncDispose]: () => original[Symbol.asyncDispose](),
  };
}

async function* copyTo(
  filling: Filling,
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  try {
    for await (const chunk of chunks) {
      left -= chunk.length;
      await filling.write(chunk);
      if (left === 0) await filling.finish(); // now: a reader that has all may not ask whether there is more
      yield chunk;
    }
  } finally {
    await filling.abandon();
  }
}
