import { LRUCache } from 'lru-cache';
import { createSingleFlight } from '../cluster/index.ts';
import type { ServerName } from '../matrix/index.ts';
import type { Delegation } from './delegation.ts';

/** Who serves the name of a host, by its own word; `undefined` when it has not given any. */
export type FindDelegate = (host: string, signal: AbortSignal) => Promise<ServerName | undefined>;

export interface DelegationCacheParts {
  readonly ask: (host: string, signal: AbortSignal) => Promise<Delegation>;
  readonly now: () => number;
}

interface Entry {
  readonly delegate: ServerName | undefined;
  /** When the host is asked again. */
  readonly askAgainTs: number;
  /** Until then the delegate is better than none, should the host not be there to be asked. */
  readonly goodUntilTs: number;
  /** In a row. */
  readonly failures: number;
}

const MAX_HOSTS = 10_000;
const ABSENT_MS = 3_600_000;
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
/** The specification's limit for believing a delegation. */
const GOOD_MS = 48 * 3_600_000;

/**
 * Remembers what hosts have said, for as long as they said, and asks once for all who want to know. "Nothing" is believed
 * for an hour. A host that cannot be asked is asked again after a minute, then after two, and so on up to an hour;
 * until then what it said last counts, for two days from when it did. So often it is asked, too, when it says "nothing" in
 * these two days: most likely somebody is at work on its web server.
 */
export function createDelegationCache({ ask, now }: DelegationCacheParts): FindDelegate {
  const entries = new LRUCache<string, Entry>({ maxSize: MAX_HOSTS, sizeCalculation: () => 1 });
  const once = createSingleFlight<Entry>();
  return async (host, signal) => {
    const key = host.toLowerCase();
    const known = entries.get(key);
    if (known !== undefined && now() < known.askAgainTs) return known.delegate;
    const entry = await once(key, signal, async (shared) => {
      const made = makeEntry(await ask(key, shared), entries.get(key), now());
      entries.set(key, made);
      return made;
    });
    return entry.delegate;
  };
}

function makeEntry(delegation: Delegation, before: Entry | undefined, nowTs: number): Entry {
  if (delegation.state === 'found') {
    const { delegate, lifetimeMs } = delegation;
    return { delegate, askAgainTs: nowTs + lifetimeMs, goodUntilTs: nowTs + GOOD_MS, failures: 0 };
  }
  const goodUntilTs = before?.goodUntilTs ?? 0;
  const hadOne = nowTs < goodUntilTs;
  if (delegation.state === 'absent' && !hadOne) {
    return { delegate: undefined, askAgainTs: nowTs + ABSENT_MS, goodUntilTs: 0, failures: 0 };
  }
  const failures = (before?.failures ?? 0) + 1;
  const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
  const askAgainTs = hadOne ? Math.min(nowTs + retryMs, goodUntilTs) : nowTs + retryMs;
  const delegate = hadOne && delegation.state === 'failed' ? before?.delegate : undefined;
  return { delegate, askAgainTs, goodUntilTs, failures };
}
