import type { DatabaseOptions } from './database.ts';
import type { DatabaseReport } from './database-report.ts';
import { DatabaseRefused } from './errors.ts';

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
