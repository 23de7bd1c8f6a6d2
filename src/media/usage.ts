import { type Database, touchManyLastAccesses } from '../database/index.ts';
import type { Log } from '../telemetry/index.ts';

/** Notes which content is used. Written in batches, so that a download waits for no disk. */
export interface Usage extends AsyncDisposable {
  touch(sha256: string): void;
  /** Writes what has been noted so far. A failure is logged, and tried again with the next batch. */
  flush(): Promise<void>;
}

export interface UsageParts {
  readonly database: Database;
  readonly now: () => number;
  readonly log: Log;
}

const FLUSH_EVERY_MS = 10_000;
const BATCH = 500;
/** More than that is not noted while the database is away: the times are a help for tidying up, no more. */
const MAX_NOTED = 100_000;

/** Dispose it before the database: what is noted is written then. */
export function createUsage({ database, now, log }: UsageParts): Usage {
  let noted = new Map<string, number>();
  let flushing = Promise.resolve();

  const write = async () => {
    const uses = [...noted];
    noted = new Map();
    try {
      while (uses.length > 0) {
        await database.atomically([touchManyLastAccesses(database.db, uses.slice(0, BATCH))]);
        uses.splice(0, BATCH);
      }
    } catch (error) {
      log.warn({ err: error }, 'The times of last access could not be written; they are tried again');
      for (const [sha256, ts] of uses) if (!noted.has(sha256)) noted.set(sha256, ts);
    }
  };
  const flush = () => (flushing = flushing.then(write));
  let isFlushing = false;
  const timer = setInterval(() => {
    if (isFlushing) return; // behind a database that hangs they would pile up
    isFlushing = true;
    void flush().finally(() => {
      isFlushing = false;
    });
  }, FLUSH_EVERY_MS);
  timer.unref();
  return {
    touch(sha256) {
      if (noted.size < MAX_NOTED || noted.has(sha256)) noted.set(sha256, now());
    },
    flush,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await flush();
    },
  };
}
