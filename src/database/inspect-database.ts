import type { DatabaseOptions } from './database.ts';
import { DatabaseRefused } from './errors.ts';

/** How a database is, found out without changing it. */
export interface DatabaseReport {
  /** Such as `PostgreSQL 18.1`. */
  readonly server: string;
  /** It has no tables yet; the next start makes them. */
  readonly isNew: boolean;
  /** So many steps bring its tables up to date; the next start takes them. */
  readonly missingSteps: number;
  /** A running Vitrine has it for itself. */
  readonly isInUse: boolean;
  /** How far its clock is ahead of the one that was passed in. `undefined`: it has none of its own. */
  readonly clockAheadMs: number | undefined;
}

/**
 * Looks at the database that is named. Does not wait for one that is not there.
 * @throws {DatabaseRefused} when it cannot be used as it is: for the operator
 */
export async function inspectDatabase({
  sqlite,
  postgres,
  now,
  signal,
}: Pick<DatabaseOptions, 'sqlite' | 'postgres' | 'now' | 'signal'>): Promise<DatabaseReport> {
  if (postgres !== undefined && sqlite === undefined) {
    const { inspectPostgres } = await import('./inspect-postgres.ts');
    return await inspectPostgres(postgres, now, signal);
  }
  if (sqlite !== undefined && postgres === undefined) {
    const { inspectSqlite } = await import('./inspect-sqlite.ts');
    return inspectSqlite(sqlite);
  }
  throw new DatabaseRefused('Name one database: a SQLite file or a PostgreSQL server');
}
