import { orAborted } from './or-aborted.ts';

/**
 * Mutual exclusion by name, within this process. Waiters are served in the order in which they came.
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
      return { [Symbol.asyncDispose]: async () => release() };
    },
    async tryAcquire(name) {
      if (tails.has(name)) return undefined;
      const { release } = queueUp(name);
      return { [Symbol.asyncDispose]: async () => release() };
    },
  };
}
