import { type Database, releaseLease, takeLease } from '../database/index.ts';

/** The right to run tasks, which one process at a time has. */
export interface RunnerLease {
  /** Takes it or holds on to it. To be asked more often than every 20 seconds. @returns whether this process has it */
  hold(): Promise<boolean>;
  release(): Promise<void>;
}

const NAME = 'task-runner';
/** So long the tasks of a process that has died wait for another one. */
const LEASE_MS = 60_000;
const RENEW_AFTER_MS = 20_000;

/** @param holder different for each process */
export function createRunnerLease(database: Database, holder: string, now: () => number): RunnerLease {
  // The file is this process's alone.
  if (database.engine === 'sqlite') return { hold: async () => true, release: async () => undefined };
  const { db } = database;
  let takenTs = Number.NEGATIVE_INFINITY;
  return {
    async hold() {
      const ts = now();
      // Neither is it due, nor has the clock been set back: then nobody knows how long it has been ours.
      if (takenTs <= ts && ts < takenTs + RENEW_AFTER_MS) return true;
      try {
        const isOurs = await takeLease(db, NAME, holder, ts, ts + LEASE_MS);
        takenTs = isOurs ? ts : Number.NEGATIVE_INFINITY;
        return isOurs;
      } catch (error) {
        if (takenTs <= ts && ts < takenTs + LEASE_MS) return true; // nobody else can have taken it yet
        throw error;
      }
    },
    async release() {
      takenTs = Number.NEGATIVE_INFINITY;
      await database.atomically([releaseLease(db, NAME, holder)]);
    },
  };
}
