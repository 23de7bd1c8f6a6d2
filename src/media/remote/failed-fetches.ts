import type { Cache } from '../../cluster/index.ts';
import {
  type MatrixError,
  type MxcUri,
  NotFound,
  Quarantined,
  RemoteTooLarge,
  type RemoteTrouble,
  RemoteUnavailable,
} from '../../matrix/index.ts';

/** Fetches that need not be tried again for a while, each with what went wrong; shared by all processes. */
export interface FailedFetches {
  /** @throws what the fetch of this media failed with */
  refuse(uri: MxcUri, key: string): Promise<void>;
  /** Remembers it, where trying again would most likely end in the same way. @param keptMs 0 or less: not at all */
  remember(key: string, error: unknown, keptMs: number): Promise<void>;
}

/** As it lies in the cache. */
type Failure =
  | { readonly what: 'not found' | 'quarantined' }
  | { readonly what: 'too large'; readonly message: string }
  | { readonly what: 'trouble'; readonly trouble: RemoteTrouble; readonly untilMs?: number };

/** Servers come back sooner than media does. */
const TROUBLE_KEPT_MS = 60_000;

export function createFailedFetches({
  failures,
  now,
}: {
  readonly failures: Cache;
  readonly now: () => number;
}): FailedFetches {
  return {
    async refuse({ origin }, key) {
      const kept = await failures.get(key);
      if (kept === undefined) return;
      // Written by this program, perhaps in a newer version.
      throw asError(JSON.parse(Buffer.from(kept).toString()) as Failure, origin, now());
    },
    async remember(key, error, keptMs) {
      const failure = describe(error, now());
      const ttlMs = Math.min(keptMs, lifetimeMsOf(error));
      if (failure !== undefined && ttlMs > 0) await failures.set(key, Buffer.from(JSON.stringify(failure)), ttlMs);
    },
  };
}

/** One that is left alone, or asks for patience, is not asked before its time. */
function lifetimeMsOf(error: unknown): number {
  if (!(error instanceof RemoteUnavailable)) return Number.POSITIVE_INFINITY;
  return Math.min((error.retryAfterSeconds ?? Number.POSITIVE_INFINITY) * 1000, TROUBLE_KEPT_MS);
}

/** `undefined`: what is wrong with us is not about the media. */
function describe(error: unknown, ts: number): Failure | undefined {
  if (error instanceof Quarantined) return { what: 'quarantined' };
  if (error instanceof NotFound) return { what: 'not found' };
  if (error instanceof RemoteTooLarge) return { what: 'too large', message: error.message };
  if (!(error instanceof RemoteUnavailable)) return undefined;
  const { trouble, retryAfterSeconds } = error;
  return { what: 'trouble', trouble, ...(retryAfterSeconds && { untilMs: ts + retryAfterSeconds * 1000 }) };
}

function asError(failure: Failure, origin: string, ts: number): MatrixError {
  switch (failure.what) {
    case 'quarantined':
      return new Quarantined();
    case 'too large':
      return new RemoteTooLarge(failure.message);
    case 'trouble': {
      const leftMs = failure.untilMs === undefined ? undefined : Math.max(0, failure.untilMs - ts);
      return new RemoteUnavailable(origin, failure.trouble, undefined, leftMs);
    }
    default:
      return new NotFound();
  }
}
