/** Lets so many do something at once; the others wait, in the order in which they came. */
export interface Turns {
  /** @param max of now; 0 or less: no limit. @throws the signal's reason when it aborts first */
  take(max: number, signal: AbortSignal): Promise<Disposable>;
}

export function createTurns(): Turns {
  let taken = 0;
  const waiting = new Set<() => void>();
  const giveBack = () => {
    let isGiven = false;
    return {
      [Symbol.dispose]() {
        if (isGiven) return;
        isGiven = true;
        taken -= 1;
        const [next] = waiting;
        next?.();
      },
    };
  };
  return {
    async take(max, signal) {
      signal.throwIfAborted();
      if (max > 0 && taken >= max) {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const start = () => {
          waiting.delete(start);
          taken += 1; // before anybody else can
          resolve();
        };
        const leave = () => {
          waiting.delete(start);
          reject(signal.reason);
        };
        waiting.add(start);
        signal.addEventListener('abort', leave, { once: true });
        try {
          await promise;
        } finally {
          signal.removeEventListener('abort', leave);
        }
      } else taken += 1;
      return giveBack();
    },
  };
}
