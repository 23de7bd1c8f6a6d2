import type { CompiledQuery } from 'kysely';
import type { Log } from '../telemetry/index.ts';
import type { Db } from './tables.ts';

/** A query that has not run yet, for {@link Database.atomically}. */
export interface CompilableQuery {
  compile(): CompiledQuery;
}

export interface DatabaseLoad {
  /** Connections that are doing something. */
  readonly used: number;
  readonly idle: number;
  /** Those who wait for a connection. */
  readonly waiting: number;
}

export interface Database extends AsyncDisposable {
  readonly db: Db;
  readonly engine: 'postgres' | 'sqlite';
  /**
   * Runs all of them in one transaction, in order: all or nothing. When it returns, they are on the disk. On SQLite,
   * callers that wait at the same time share one commit.
   * @param conditions run before them in the same transaction; each has to find a row
   * @throws {ConditionFailed} when one of the conditions finds nothing
   * @throws {UniqueViolation} when one of them would make a second row of a key
   * @throws {Unavailable} when the database is away; whether the queries took effect is then unknown
   * @throws {StorageFull} when its disk is full
   */
  atomically(queries: readonly CompilableQuery[], conditions?: readonly CompilableQuery[]): Promise<void>;
  /** How much it has to do for this process at this moment. */
  load(): DatabaseLoad;
  /** A round trip to the database. @throws {Unavailable} also when the signal aborts first */
  check(signal: AbortSignal): Promise<void>;
  /**
   * The same database for work that nobody waits for and that may read or write much: on PostgreSQL with the longer limit of
   * `timeouts.maintenanceSeconds`, and with queries that end when the signal aborts. To dispose it does nothing.
   */
  patient(signal: AbortSignal): Database;
  /** The service stops: what PostgreSQL has not answered after this time fails, so that one that hangs does not hold up the stop. */
  hurry(withinMs: number): void;
}

export interface DatabaseOptions {
  /** A file, or `:memory:`. */
  readonly sqlite?: string | undefined;
  /** A URL or `key=value` pairs, as the Go driver lib/pq reads them. */
  readonly postgres?: string | undefined;
  /** For PostgreSQL. 0 or less: as many connections as it takes; keep no idle one. */
  readonly pool: { readonly maxConnections: number; readonly maxIdleConnections: number };
  /** For PostgreSQL: so long a query may take. SQLite's end by themselves. */
  readonly timeouts: { readonly querySeconds: number; readonly maintenanceSeconds: number };
  /** For PostgreSQL: whether it is told to keep the plans of what is asked often, for each connection. */
  readonly preparedStatements?: boolean;
  readonly log: Log;
  readonly now: () => number;
  /** Ends the waiting for a database that is not there yet. */
  readonly signal: AbortSignal;
}
