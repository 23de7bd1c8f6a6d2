import type { Database, DatabaseOptions } from './database.ts';
import { DatabaseRefused } from './errors.ts';

/**
 * Opens the database that is named, and makes or completes its tables. Waits for a PostgreSQL that is not there yet.
 * @throws {DatabaseRefused} when it will never do: wrong password, another program's tables, a newer schema, a SQLite
 *   file that another process uses
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  // Only one of the drivers is loaded: each costs a part of the time to start.
  if (options.postgres !== undefined && options.sqlite === undefined) {
    const { openPostgres } = await import('./postgres.ts');
    return await openPostgres({ ...options, dsn: options.postgres, env: process.env });
  }
  if (options.sqlite !== undefined && options.postgres === undefined) {
    const { openSqlite } = await import('./sqlite.ts');
    return await openSqlite({ ...options, file: options.sqlite });
  }
  throw new DatabaseRefused('Name one database: a SQLite file or a PostgreSQL server');
}
