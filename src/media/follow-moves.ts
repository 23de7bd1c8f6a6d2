import type { StoredObject } from '../datastores/index.ts';
import { InternalError } from '../matrix/index.ts';

/**
 * An object that nobody has asked for yet, of content that may move to another datastore in the meantime: what its place does not
 * have any more is read on at the new one, also in the middle.
 * @param findAgain opens it where it is by now; `undefined`: it has not moved, and is lost
 */
export function followMoves(
  first: StoredObject,
  findAgain: (signal: AbortSignal) => Promise<StoredObject | undefined>,
): StoredObject {
  const opened = [first];
  let current = first;
  const follow = async (error: unknown, signal: AbortSignal): Promise<void> => {
    const next = error instanceof InternalError ? await findAgain(signal) : undefined;
    if (next === undefined) throw error;
    opened.push(next);
    current = next;
  };
  return {
    sizeBytes: first.sizeBytes,
    redirect: first.redirect,
    async confirm(signal) {
      for (;;) {
        try {
          return await current.confirm?.(signal);
        } catch (error) {
          await follow(error, signal);
        }
      }
    },
    async *read({ start, end }, signal) {
      for (let position = start; position <= end; ) {
        try {
          for await (const chunk of current.read({ start: position, end }, signal)) {
            position += chunk.length;
            yield chunk;
          }
          return;
        } catch (error) {
          await follow(error, signal);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      for (const object of opened) await object[Symbol.asyncDispose]();
    },
  };
}
