import { type Database, releaseLease, takeLease } from '../database/index.ts';
import type { Log } from '../telemetry/index.ts';

/** Work that is to be done again and again. */
export interface RecurringJob {
  /** Stands in the database, so that an interval goes on over restarts. */
  readonly name: string;
  readonly everyMs: number;
  /** Whether there is anything to do, by the configuration of now. */
  isWanted(): boolean;
  run(signal: AbortSignal): Promise<void>;
}

export interface RecurringParts {
  readonly database: Database;
  readonly jobs: readonly RecurringJob[];
  /** Whether this process is to do them now. */
  readonly isInCharge: () => boolean;
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
}

const LOOK_EVERY_MS = 60_000;

/**
 * Runs each job when its interval has passed since it last began, in whichever process that was: one that is overdue runs
 * at once. The jobs take turns. Dispose it before what the jobs use: the one that runs is interrupted.
 */
export function startRecurring(parts: RecurringParts): AsyncDisposable {
  const { database, jobs, isInCharge, newUniqueId, now, log } = parts;
  const stopping = new AbortController();

  const runIfDue = async ({ name, everyMs, isWanted, run }: RecurringJob) => {
    if (stopping.signal.aborted || !isInCharge() || !isWanted()) return;
    const [ts, lease, holder] = [now(), `recurring ${name}`, newUniqueId()];
    // The time until the lease ends is the interval, so it is given back only by a job that could not finish.
    if (!(await takeLease(database.db, lease, holder, ts, ts + everyMs))) return;
    try {
      stopping.signal.throwIfAborted();
      await run(stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return await database.atomically([releaseLease(database.db, lease, holder)]);
      log.error({ err: error, job: name }, 'A recurring task failed; it runs again later');
    }
  };
  const lookOnce = async () => {
    for (const job of jobs) {
      await runIfDue(job).catch((error: unknown) =>
        log.warn({ err: error, job: job.name }, 'Nobody knows what is due'),
      );
    }
  };

  let looking = lookOnce();
  let isLooking = false;
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    looking = looking.then(lookOnce).finally(() => {
      isLooking = false;
    });
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      stopping.abort(new Error('The service is stopping'));
      await looking;
    },
  };
}
