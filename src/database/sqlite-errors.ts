import { StorageFull, Unavailable } from '../matrix/index.ts';
import { ConditionFailed, UniqueViolation } from './errors.ts';
import { NOTHING_FOUND, type SqliteFailure } from './sqlite-messages.ts';

const CONSTRAINT_PRIMARY_KEY = 1555;
const CONSTRAINT_UNIQUE = 2067;
/** Primary codes: the lower eight bits of an extended one. */
const FULL = 13;
/** Busy, locked, out of memory, read-only, disk error, cannot open, locking protocol: not the query's fault. */
const TROUBLE_AROUND: readonly number[] = [5, 6, 7, 8, 10, 14, 15];

/** What a statement failed with, in the words of this room. */
export function asQueryError({ message, code }: SqliteFailure): Error {
  if (code === NOTHING_FOUND) return new ConditionFailed(message);
  const cause = new Error(code === undefined ? message : `SQLite error ${code}: ${message}`);
  if (code === undefined) return cause;
  if (code === CONSTRAINT_UNIQUE || code === CONSTRAINT_PRIMARY_KEY) {
    // "UNIQUE constraint failed: media.media_id, media.origin"
    return new UniqueViolation(/: (\w+)\./.exec(message)?.[1] ?? 'The table', { cause });
  }
  const primary = code & 0xff;
  if (primary === FULL) return new StorageFull({ cause });
  if (TROUBLE_AROUND.includes(primary)) return new Unavailable('The database cannot be used; try again', { cause });
  return cause;
}
