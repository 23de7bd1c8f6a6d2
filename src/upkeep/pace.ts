import { setTimeout } from 'node:timers/promises';

/** Holds work back to a rate. */
export interface Pace {
  /** Resolves when so many bytes more may have been dealt with. */
  spend(bytes: number, signal: AbortSignal): Promise<void>;
}

export interface PaceParts {
  /** Asked each time. 0 or less: no limit. */
  readonly bytesPerSecond: () => number;
  /** Milliseconds that only move on: a clock that is set back would be waited for. */
  readonly elapsedMs: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Shorter pauses are saved up. */
const SHORTEST_PAUSE_MS = 20;

export function createPace({ bytesPerSecond, elapsedMs, sleep = pause }: PaceParts): Pace {
  let dueMs = Number.NEGATIVE_INFINITY;
  return {
    async spend(bytes, signal) {
      const rate = bytesPerSecond();
      if (rate <= 0) return;
      dueMs = Math.max(dueMs, elapsedMs()) + (bytes / rate) * 1000;
      const waitMs = dueMs - elapsedMs();
      if (waitMs >= SHORTEST_PAUSE_MS) await sleep(waitMs, signal);
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal });
}
