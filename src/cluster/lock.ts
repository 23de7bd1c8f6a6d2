import { orAborted } from '../waiting/index.ts';

/** Mutual exclusion by name. Waiters of one process are served in the order in which they came. */
export interface Locks {
  /**
   * Waits until nobody else holds `name`. Release by disposing (`await using`).
   * @throws the signal's reason when it aborts first.
   */
  acquire(name: string, signal: AbortSignal): Promise<Lock>;
  /** As `acquire`, without waiting. `undefined`: somebody else holds `name`, or waits for it. */
  tryAcquire(name: string): Promise<Lock | undefined>;
}

export interface Lock extends AsyncDisposable {
  /** Larger than that of whoever held the name before: what comes with a smaller one comes too late. */
  readonly fence: number;
  /** Aborts when somebody else may hold the name, because this process did not show for long. */
  readonly lost: AbortSignal;
}

/** Fences count on from the microseconds since 1970, so that they grow from one process to the next. */
const MICROSECONDS_IN_MS = 1000;

/** Within this process. */
export function createLocks(now: () => number = Date.now): Locks {
  const { signal: lost } = new AbortController(); // never
  let lastFence = 0;
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
  const lockOf = (release: () => void): Lock => {
    lastFence = Math.max(lastFence + 1, now() * MICROSECONDS_IN_MS);
    return { fence: lastFence, lost, [Symbol.asyncDispose]: async () => release() };
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
      return lockOf(release);
    },
    async tryAcquire(name) {
      if (tails.has(name)) return undefined;
      return lockOf(queueUp(name).release);
    },
  };
}
