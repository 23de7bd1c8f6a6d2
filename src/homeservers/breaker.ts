import { HomeserverUnavailable } from '../matrix/index.ts';

/**
 * Leaves alone what has failed several times in a row: for a second first, twice as long after each further failure.
 * Then one call may try, and the others go on being refused until it has succeeded.
 */
export interface Breaker {
  /** @param failuresAllowed in a row; at the last of them the pause begins */
  guard<Value>(failuresAllowed: number, call: () => Promise<Value>): Promise<Value>;
}

export interface BreakerParts {
  readonly now: () => number;
  /** When a pause begins, and when it is over for good. */
  readonly onChange: (state: 'paused' | 'recovered', pauseMs: number) => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export function createBreaker({ now, onChange }: BreakerParts): Breaker {
  let failures = 0;
  let pauseMs = 0;
  let pausedUntilMs = 0;
  let isTrying = false;

  const fail = (failuresAllowed: number) => {
    failures += 1;
    if (failures < failuresAllowed) return;
    pauseMs = pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    pausedUntilMs = now() + pauseMs;
    onChange('paused', pauseMs);
  };
  const succeed = () => {
    failures = 0;
    if (pauseMs === 0) return;
    pauseMs = 0;
    onChange('recovered', 0);
  };

  return {
    async guard(failuresAllowed, call) {
      const isPaused = pauseMs > 0;
      if (isPaused && (isTrying || now() < pausedUntilMs)) throw new HomeserverUnavailable('left alone');
      isTrying = isPaused;
      try {
        const value = await call();
        succeed();
        return value;
      } catch (error) {
        // Any other error is the caller's own: it left. Calls that began before a pause do not make it longer.
        if (error instanceof HomeserverUnavailable && isPaused === pauseMs > 0) fail(failuresAllowed);
        throw error;
      } finally {
        if (isPaused) isTrying = false;
      }
    },
  };
}
