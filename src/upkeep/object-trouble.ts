import type { Datastore } from '../datastores/index.ts';
import { StorageFull } from '../matrix/index.ts';

/** An object cannot be read. The cause says why; whether its datastore as a whole is away is another question. */
export class ReadFailed extends Error {
  constructor(cause: unknown) {
    super('It cannot be read', { cause });
  }
}

/** A copy cannot be written. */
export class WriteFailed extends Error {
  constructor(cause: unknown) {
    super('Its copy cannot be written', { cause });
  }
}

/** @throws {ReadFailed} in place of what `read` throws */
export async function asRead<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof ReadFailed ? error : new ReadFailed(error);
  }
}

/** @throws {WriteFailed} in place of what `write` throws, but not of {@link StorageFull}, which concerns all that is to come */
export async function asWritten<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw error instanceof StorageFull ? error : new WriteFailed(error);
  }
}

/**
 * Does what reads an object; once more if that fails while the datastore as a whole works, since it may have been away for a
 * moment.
 * @throws {Unavailable} when the datastore is away {@link ReadFailed} when it is the object alone, and what `act` throws else
 */
export async function readPatiently<T>(datastore: Datastore, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  for (let isAgain = false; ; isAgain = true) {
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ReadFailed)) throw error;
      await datastore.checkHealth(signal);
      if (isAgain) throw error;
    }
  }
}

/** Where an error began, in words for an operator. */
export function explain(error: unknown): string {
  let first = error;
  while (first instanceof Error && first.cause instanceof Error) first = first.cause;
  return first instanceof Error ? first.message || first.name : String(first);
}
