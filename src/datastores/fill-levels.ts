import type { Log } from '../telemetry/index.ts';

/** How much each datastore holds, measured now and then while it is asked for; nobody waits for it. */
export interface FillLevels {
  /** @param ids at least one. Of equals, and as long as nothing has been measured: the first */
  leastFilled(ids: readonly string[]): string | undefined;
}

export interface FillLevelsParts {
  readonly measure: () => Promise<ReadonlyMap<string, number>>;
  readonly now: () => number;
  readonly log: Log;
}

const AT_LEAST_MS = 60_000;
/** A large database is read for at most so small a share of the time. */
const TIMES_ITS_DURATION = 100;

export function createFillLevels({ measure, now, log }: FillLevelsParts): FillLevels {
  let levels: ReadonlyMap<string, number> = new Map();
  let nextMs = Number.NEGATIVE_INFINITY;

  const refresh = async () => {
    const startedMs = now();
    nextMs = Number.POSITIVE_INFINITY;
    try {
      levels = await measure();
    } catch (error) {
      log.warn({ err: error }, 'How much the datastores hold cannot be measured; what was known before counts');
    }
    nextMs = now() + Math.max(AT_LEAST_MS, TIMES_ITS_DURATION * (now() - startedMs));
  };

  return {
    leastFilled(ids) {
      if (now() >= nextMs) void refresh();
      const levelOf = (id: string) => levels.get(id) ?? 0;
      const least = Math.min(...ids.map(levelOf));
      return ids.find((id) => levelOf(id) === least);
    },
  };
}
