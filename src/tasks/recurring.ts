import { type Database, findInterval, releaseLease, startInterval } from '../database/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Charge } from './charge.ts';

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
  /** Whoever has it does them. */
  readonly charge: Charge;
  readonly newUniqueId: () => string;
  /** Milliseconds that only move on. */
  readonly elapsedMs: () => number;
  readonly log: Log;
}

const LOOK_EVERY_MS = 60_000;
const NEVER_BEGUN = { holder: '', expires_ts: 0, restMs: 0 };

/** Of a job. */
interface Known {
  readonly dueMs: number;
  /** For as long as it lasts, no other process runs the job. */
  readonly held: AbortSignal;
  /** Of the interval that runs, in the database. */
  readonly holder: string;
  readonly expires_ts: number;
}

/**
 * Runs each job when its interval has passed since it last began, in whichever process that was: one that is overdue runs
 * at once. The jobs take turns. The one that runs is interrupted when another process may have become the one that does them.
 * Dispose it before what the jobs use: the one that runs is interrupted then, too.
 *
 * From one process to the next the interval goes by the clock of the database, within one it goes by no clock that can be set. A
 * clock that was set in between can bring a job forward, or put it off by one interval.
 */
export function startRecurring(parts: RecurringParts): AsyncDisposable {
  const { database, jobs, charge, elapsedMs, log } = parts;
  const holder = parts.newUniqueId();
  const stopping = new AbortController();
  const known = new Map<string, Known>();

  const findDue = async ({ name, everyMs }: RecurringJob, held: AbortSignal): Promise<number> => {
    const before = known.get(name);
    if (before?.held === held) return before.dueMs;
    const { restMs, ...begun } = (await findInterval(database, intervalOf(name))) ?? NEVER_BEGUN;
    // Without the charge for a while, and nobody has run it meanwhile: then what is known of it holds.
    const isSame =
      before?.holder === begun.holder && (begun.holder === holder || before.expires_ts === begun.expires_ts);
    const dueMs = isSame ? before.dueMs : elapsedMs() + Math.min(Math.max(0, restMs), everyMs);
    known.set(name, { ...begun, dueMs, held });
    return dueMs;
  };
  const runIfDue = async (job: RecurringJob, held: AbortSignal, signal: AbortSignal) => {
    const { name, everyMs, isWanted, run } = job;
    if (signal.aborted || !isWanted()) return;
    const dueMs = await findDue(job, held);
    if (signal.aborted || elapsedMs() < dueMs) return;
    const next = { dueMs: elapsedMs() + everyMs, held, holder, expires_ts: 0 };
    await database.atomically([startInterval(database, intervalOf(name), holder, everyMs)]);
    known.set(name, next);
    try {
      signal.throwIfAborted();
      await run(signal);
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, job: name }, 'A recurring task failed; it runs again later');
      // It is due again at once. Only if nobody else has begun it meanwhile.
      else await database.atomically([releaseLease(database.db, intervalOf(name), holder)]);
    }
  };
  const lookOnce = async () => {
    try {
      const held = stopping.signal.aborted ? undefined : await charge.take();
      if (held === undefined) return;
      const signal = AbortSignal.any([stopping.signal, held]);
      for (const job of jobs) await runIfDue(job, held, signal);
    } catch (error) {
      log.warn({ err: error }, 'Recurring tasks could not be looked for; that is tried again');
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

function intervalOf(job: string): string {
  return `recurring ${job}`;
}
