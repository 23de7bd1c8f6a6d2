import { addLease, type Database, findLease, releaseLease, replaceLease } from '../database/index.ts';
import type { Log } from '../telemetry/index.ts';

/** The right to do what one process does for all. Dispose it after what it is for. */
export interface Charge extends AsyncDisposable {
  /**
   * Takes it, if nobody else has it; from then on it is renewed.
   * @returns `undefined`: another process has it, or this one is not to have it. Else a signal that aborts before another
   *   process can take it.
   * @throws {Unavailable}
   */
  take(): Promise<AbortSignal | undefined>;
}

export interface ChargeParts {
  readonly database: Database;
  /** Different for each process. */
  readonly holder: string;
  /** Whether this process is to have it now. Of those that think so, one has it. */
  readonly isInCharge: () => boolean;
  /** Milliseconds that only move on. */
  readonly elapsedMs: () => number;
  readonly log: Log;
}

const NAME = 'task-runner';
const WATCH_EVERY_MS = 1_000;
const RENEW_EVERY_MS = 5_000;
/** Whoever could not renew it for so long stops what it was for, */
const GIVE_UP_AFTER_MS = 20_000;
/** and has had time for that when the others, who have seen no renewal for so long, may take it. */
const FREE_AFTER_MS = 30_000;

/**
 * A row of the database that its holder changes every few seconds. No time of day is read: whoever wants it watches for how long
 * the row stays as it is. So it does not matter which clocks are set, or to what.
 */
export function createCharge(parts: ChargeParts): Charge {
  const { database, holder, isInCharge, elapsedMs, log } = parts;
  if (database.engine === 'sqlite') return chargeOfOwnFile();
  const { db } = database;
  let held: AbortController | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let renewedMs = Number.NEGATIVE_INFINITY;
  let seen: { readonly holder: string; readonly expires_ts: number; readonly sinceMs: number } | undefined;

  const lose = (why: string) => {
    held?.abort(new Error(why));
    held = undefined;
  };

  /** @returns whether this process has it now */
  const takeOrRenew = async (): Promise<boolean> => {
    const lease = await findLease(db, NAME);
    if (lease === undefined) return await addLease(db, { name: NAME, holder, expires_ts: 0 });
    if (lease.holder === holder) return await replaceLease(db, lease, holder);
    if (seen?.holder !== lease.holder || seen.expires_ts !== lease.expires_ts) {
      seen = { ...lease, sinceMs: elapsedMs() };
      return false;
    }
    return elapsedMs() - seen.sinceMs >= FREE_AFTER_MS && (await replaceLease(db, lease, holder));
  };
  const lookOnce = async () => {
    if (!isInCharge()) return;
    lookedMs = elapsedMs();
    const isOurs = await takeOrRenew();
    if (!isOurs && held !== undefined) {
      log.warn('Another process has taken over the tasks of this one, which did not show for a while');
      lose('Another process runs the tasks');
    }
    if (!isOurs) return;
    renewedMs = lookedMs;
    held ??= new AbortController();
    watch(); // the answer may have taken too long
  };
  let looking: Promise<void> | undefined;
  /** One look for all who want one at the same time: behind a database that hangs they would pile up. */
  const look = () =>
    (looking ??= lookOnce().finally(() => {
      looking = undefined;
    }));

  const watch = () => {
    if (held === undefined) return;
    if (!isInCharge()) lose('This process is not in charge any more');
    else if (elapsedMs() - renewedMs >= GIVE_UP_AFTER_MS) {
      log.warn('Tasks are interrupted: the database could not be told that they run here');
      lose('The right to run tasks could not be renewed');
    }
  };
  const timer = setInterval(() => {
    watch();
    if (held === undefined || looking !== undefined || elapsedMs() - lookedMs < RENEW_EVERY_MS) return;
    look().catch((error: unknown) => log.debug({ err: error }, 'The right to run tasks was not renewed'));
  }, WATCH_EVERY_MS);
  timer.unref();
  return {
    async take() {
      watch();
      if (held === undefined) await look();
      return held?.signal;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking?.catch(() => undefined);
      lose('The service is stopping');
      await database
        .atomically([releaseLease(db, NAME, holder)])
        .catch((error: unknown) => log.warn({ err: error }, 'Others run tasks half a minute later'));
    },
  };
}

/** The file is this process's alone. */
function chargeOfOwnFile(): Charge {
  const { signal } = new AbortController();
  return { take: async () => signal, [Symbol.asyncDispose]: async () => undefined };
}
