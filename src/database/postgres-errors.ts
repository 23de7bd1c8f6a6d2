import { DatabaseError } from 'pg';
import { MatrixError, StorageFull, Unavailable } from '../matrix/index.ts';
import { DatabaseRefused, OnlyReads, UniqueViolation } from './errors.ts';

/** The five characters that PostgreSQL puts on its errors. */
function sqlStateOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined;
}

const UNIQUE_VIOLATION = '23505';
const DISK_FULL = '53100';

/**
 * The server is away, goes away, or cannot take this query now: connection lost (08), out of connections or memory
 * (53), told to stop or still starting (57P), a standby that only reads (25006), lost against another transaction (40).
 */
const AWAY = /^(?:08...|53...|57P..|25006|40...)$/;

/** A limit that the server has for queries, locks or transactions (`statement_timeout` and its like) was reached. */
const TOO_LATE = /^(?:57014|55P03|25P0[34])$/;

/** What was thrown while a query ran, in the words of this room. */
export function asQueryError(error: unknown): unknown {
  if (error instanceof MatrixError) return error;
  const state = sqlStateOf(error);
  if (state === UNIQUE_VIOLATION) {
    return new UniqueViolation((error instanceof DatabaseError && error.table) || 'The table', { cause: error });
  }
  if (state === DISK_FULL) return new StorageFull({ cause: error });
  if (state !== undefined && TOO_LATE.test(state)) return tooLate(error);
  // An error that the server did not send is about the way to it; a mistake in our code is not.
  const isConnectionLost = state === undefined && !(error instanceof TypeError || error instanceof RangeError);
  if (isConnectionLost || (state !== undefined && AWAY.test(state))) return unavailable(error);
  return error;
}

/** Lost against another transaction (40), in the words of {@link asQueryError}. */
export function wasRolledBack(error: unknown): boolean {
  return error instanceof Unavailable && /^40/.test(sqlStateOf(error.cause) ?? '');
}

/**
 * Whether a query was not run because of the name under which it was prepared. `changed`: somebody has changed its table since;
 * `lost`: the connection does not have what was prepared, or has it already, because it is not ours alone.
 */
export function wasNameRefused(error: unknown): 'changed' | 'lost' | undefined {
  const state = sqlStateOf(error);
  if (state === '26000' || state === '42P05') return 'lost';
  const isChanged = state === '0A000' && error instanceof Error && error.message.includes('cached plan');
  return isChanged ? 'changed' : undefined;
}

/** What was thrown while a connection of the pool was made: whatever it is, the service has no database for now. */
export function unavailable(cause: unknown): Unavailable {
  return new Unavailable('The database cannot be reached; try again', { cause });
}

/** The service has waited long enough for the end of its queries. */
export function stopping(): Unavailable {
  return new Unavailable('The service is stopping');
}

/** All connections of the pool are in use, and none has become free for a while. */
export function allInUse(cause: unknown): Unavailable {
  const why = 'All connections to PostgreSQL (database.pool.maxConnections) were in use for as long as connect_timeout';
  return new Unavailable('The database is busy; try again', { cause: new Error(why, { cause }) });
}

/** A query was given up. */
export function overdue(timeoutMs: number): Unavailable {
  return tooLate(new Error(`PostgreSQL did not answer within ${timeoutMs / 1000} seconds`));
}

function tooLate(cause: unknown): Unavailable {
  return new Unavailable('The database did not answer in time; try again', { cause });
}

/** It may be there in a moment: nobody listens yet, the name is not known yet, it starts, the database is not made, it is a standby. */
export function isWorthWaiting(error: unknown): boolean {
  if (error instanceof OnlyReads) return true;
  const state = sqlStateOf(error);
  if (state !== undefined) return state === '3D000' || (AWAY.test(state) && state !== DISK_FULL);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string') return NOT_THERE_YET.has(code);
  return error instanceof Error && /^(?:Connection terminated|timeout expired)/.test(error.message);
}

const NOT_THERE_YET: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'],
  ...['ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
]);

/** For the operator: why it will not do. */
export function asRefusal(error: unknown): unknown {
  if (error instanceof DatabaseRefused) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const advice = ADVICE.find(([pattern]) => pattern.test(reason))?.[1] ?? '';
  return new DatabaseRefused(`PostgreSQL refuses: ${reason}${advice}`, { cause: error });
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL/, '. Add sslmode=disable to database.postgres if the way to it is safe'],
  [/password must be a string/i, '. database.postgres names no password'],
  [/permission denied|must be owner/, '. Vitrine has to connect as the role that owns the tables'],
];
