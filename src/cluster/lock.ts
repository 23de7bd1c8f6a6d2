/**
 * Mutual exclusion by name, within this process. Waiters are served in the order in which they came.
 */
export interface Locks {
  /**
   * Waits until nobody else holds `name`. Release by disposing (`await using`).
   * @throws the signal's reason when it aborts first.
   */
  acquire(name: string, signal: AbortSignal): Promise<AsyncDisposable>;
}

export function createLocks(): Locks {
  /** The tail of each queue: settles when its last member has released. */
  const tails = new Map<string, Promise<void>>();
  return {
    async acquire(name, signal) {
      signal.throwIfAborted();
      const before = tails.get(name) ?? Promise.resolve();
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const tail = before.then(() => released);
      tails.set(name, tail);
      void tail.then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
      try {
        await orAborted(before, signal);
      } catch (error) {
        release();
        throw error;
      }
      return { [Symbol.asyncDispose]: async () => release() };
    },
  };
}

async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
