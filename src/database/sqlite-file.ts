import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DatabaseRefused } from './errors.ts';
import { missingVersions } from './own-versions.ts';
import { asFailure } from './sqlite-messages.ts';
import { sqliteVersions } from './sqlite-schema.ts';

/** How long to wait for a stranger, such as somebody's `sqlite3`, to let go of the file. */
const BUSY_TIMEOUT_MS = 5_000;
const SQLITE_BUSY = 5;

export interface SqliteFile {
  readonly database: DatabaseSync;
  close(): void;
}

/**
 * Opens the file with its tables up to date, for this process alone.
 * @throws {DatabaseRefused} when it is in use, not ours, too new, or cannot be made
 */
export function openSqliteFile(file: string): SqliteFile {
  if (file === ':memory:') return withTables(new DatabaseSync(file), file, () => undefined);
  const folder = dirname(file);
  if (!existsSync(folder)) throw new DatabaseRefused(`The folder of the SQLite file ${file} does not exist: ${folder}`);
  const path = existsSync(file) ? realpathSync(file) : file;
  const lock = lockFor(path);
  try {
    return withTables(new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS }), file, () => lock.close());
  } catch (error) {
    lock.close();
    if (error instanceof DatabaseRefused) throw error;
    throw new DatabaseRefused(`The SQLite file ${file} cannot be opened: ${asFailure(error).message}`, {
      cause: error,
    });
  }
}

/** A lock of SQLite's own, on a file beside: the system lets go of it when the process ends, however it ends. */
function lockFor(path: string): DatabaseSync {
  const file = `${path}.lock`;
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file);
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const { code, message } = asFailure(error);
    if (code !== SQLITE_BUSY) throw new DatabaseRefused(`${file} cannot be made: ${message}`, { cause: error });
    throw new DatabaseRefused(
      `The SQLite file ${path} is in use by another Vitrine. One file serves one process; to run several, let them ` +
        'share a PostgreSQL database (database.postgres)',
    );
  }
}

function withTables(database: DatabaseSync, file: string, unlock: () => void): SqliteFile {
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    applyVersions(database, file);
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    database,
    close() {
      database.close();
      unlock();
    },
  };
}

function applyVersions(database: DatabaseSync, file: string): void {
  for (const { version, sql } of missingVersions(file, readVersion(database, file), sqliteVersions)) {
    // Closing the database, which follows a failure, rolls back.
    database.exec(`
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS vitrine_schema (version INTEGER PRIMARY KEY);
      ${sql}
      INSERT INTO vitrine_schema (version) VALUES (${version});
      COMMIT`);
  }
}

/** Of our schema; 0 for an empty file. @throws {DatabaseRefused} for another program's */
export function readVersion(database: DatabaseSync, file: string): number {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  if (tables.length === 0) return 0;
  const names = tables.map((table) => String(table['name']));
  if (!names.includes('vitrine_schema')) {
    throw new DatabaseRefused(
      `${file} belongs to something else: found tables ${names.slice(0, 5).join(', ')}. Nothing was changed`,
    );
  }
  return Number(database.prepare('SELECT max(version) AS version FROM vitrine_schema').get()?.['version'] ?? 0);
}
