import { LRUCache } from 'lru-cache';
import { type MatrixError, NotFound, Quarantined, RemoteTooLarge, RemoteUnavailable } from '../../matrix/index.ts';

/** Fetches that need not be tried again for a while, each with what went wrong. */
export interface FailedFetches {
  /** @throws what the fetch of this media failed with */
  refuse(key: string): void;
  /** Remembers it, where trying again would most likely end in the same way. @param keptMs 0 or less: not at all */
  remember(key: string, error: unknown, keptMs: number): void;
}

const MAX_FAILURES = 50_000;
/** Servers come back sooner than media does. */
const TROUBLE_KEPT_MS = 60_000;

export function createFailedFetches({ now }: { readonly now: () => number }): FailedFetches {
  const failures = new LRUCache<string, MatrixError>({
    maxSize: MAX_FAILURES,
    sizeCalculation: () => 1,
    perf: { now },
  });
  return {
    refuse(key) {
      const failure = failures.get(key);
      if (failure !== undefined) throw failure;
    },
    remember(key, error, keptMs) {
      const ttl = Math.min(keptMs, lifetimeMsOf(error));
      if (ttl > 0 && isLasting(error)) failures.set(key, error, { ttl });
    },
  };
}

/** One that is left alone, or asks for patience, is not asked before its time. */
function lifetimeMsOf(error: unknown): number {
  if (!(error instanceof RemoteUnavailable)) return Number.POSITIVE_INFINITY;
  return Math.min((error.retryAfterSeconds ?? Number.POSITIVE_INFINITY) * 1000, TROUBLE_KEPT_MS);
}

/** What is wrong with us is not about the media. */
function isLasting(error: unknown): error is MatrixError {
  return (
    error instanceof NotFound ||
    error instanceof Quarantined ||
    error instanceof RemoteTooLarge ||
    error instanceof RemoteUnavailable
  );
}
