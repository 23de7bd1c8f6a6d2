import { orAborted } from '../waiting/index.ts';

/**
 * Mutual exclusion by name, which spares work and waiting. Waiters of one process are served in the order in which they came.
 *
 * Between processes a lock can be lost: Redis goes away, or this process sleeps for longer than its locks live. Its holder is
 * not told and goes on, because nothing stands or falls with a lock. Work that is done twice is stored once: unique indexes and
 * the conditions of a transaction decide (`database/object-conditions.ts`). A limit of what a user may have can be passed by
 * what is under way at that moment.
 */
export interface Locks {
  /**
   * Waits until nobody else holds `name`. Release by disposing (`await using`).
   * @throws the signal's reason when it aborts first.
   */
  acquire(name: string, signal: AbortSignal): Promise<AsyncDisposable>;
  /** As `acquire`, without waiting. `undefined`: somebody else holds `name`, or waits for it. */
  tryAcquire(name: string): Promise<AsyncDisposable | undefined>;
}

/** Within this process. */
export function createLocks(): Locks {
  /** The tail of each queue: settles when its last member has released. */
  const tails = new Map<string, Promise<void>>();
  const queueUp = (name: string) => {
    const before = tails.get(name) ?? Promise.resolve();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const tail = before.then(() => released);
    tails.set(name, tail);
    void tail.then(() => {
      if (tails.get(name) === tail) tails.delete(name);
    });
    return { before, release };
  };
  const lockOf = (release: () => void): AsyncDisposable => ({ [Symbol.asyncDispose]: async () => release() });
  return {
    async acquire(name, signal) {
      signal.throwIfAborted();
      const { before, release } = queueUp(name);
      try {
        await orAborted(before, signal);
      } catch (error) {
        release();
        throw error;
      }
      return lockOf(release);
    },
    async tryAcquire(name) {
      if (tails.has(name)) return undefined;
      return lockOf(queueUp(name).release);
    },
  };
}
