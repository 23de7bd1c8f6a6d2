import { existsSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DatabaseReport } from './database-report.ts';
import { DatabaseRefused } from './errors.ts';
import { missingVersions } from './own-versions.ts';
import { readVersion } from './sqlite-file.ts';
import { asFailure } from './sqlite-messages.ts';
import { sqliteVersions } from './sqlite-schema.ts';

/** @throws {DatabaseRefused} */
export function inspectSqlite(file: string): DatabaseReport {
  const program = `SQLite ${process.versions['sqlite'] ?? ''}`.trimEnd();
  const folder = dirname(file);
  if (!existsSync(folder)) throw new DatabaseRefused(`The folder of the SQLite file ${file} does not exist: ${folder}`);
  if (!existsSync(file)) return { program, isNew: true, missingSteps: 0, isInUse: false, clockAheadMs: undefined };
  const path = realpathSync(file);
  const version = withDatabase(path, file, (database) => readVersion(database, file));
  return {
    program,
    isNew: version === 0,
    missingSteps: version === 0 ? 0 : missingVersions(file, version, sqliteVersions).length,
    isInUse: isLocked(`${path}.lock`),
    clockAheadMs: undefined,
  };
}

function withDatabase<T>(path: string, file: string, use: (database: DatabaseSync) => T): T {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    return use(database);
  } catch (error) {
    if (error instanceof DatabaseRefused) throw error;
    throw new DatabaseRefused(`The SQLite file ${file} cannot be read: ${asFailure(error).message}`, { cause: error });
  } finally {
    database?.close();
  }
}

/** The lock that a running Vitrine holds; a file that nobody holds is of one that has ended. */
function isLocked(lockFile: string): boolean {
  if (!existsSync(lockFile)) return false;
  const lock = new DatabaseSync(lockFile);
  try {
    lock.exec('BEGIN EXCLUSIVE; ROLLBACK');
    return false;
  } catch {
    return true; // also when it may not be written: then this user could not run Vitrine either
  } finally {
    lock.close();
  }
}
