import type { TestContext } from 'node:test';
import pino from 'pino';
import { loadConfig } from '../../src/config/index.ts';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/database/index.ts';

/** Opens a database with what a test does not care about filled in. Closed after the test, if not before. */
export async function openForTest(t: TestContext, options: Partial<DatabaseOptions>): Promise<Database> {
  const database = await openDatabase({
    pool: { maxConnections: 10, maxIdleConnections: 5 },
    timeouts: { querySeconds: 30, maintenanceSeconds: 3600 },
    log: pino({ level: 'silent' }),
    now: Date.now,
    signal: t.signal,
    ...options,
  });
  t.after(() => database[Symbol.asyncDispose]());
  return database;
}

/** The database of a test service that has stopped, so that a test can look at it or change it. As {@link openForTest}. */
export async function openServiceDatabase(t: TestContext, folder: { readonly configPath: string }): Promise<Database> {
  const { sqlite, postgres } = (await loadConfig(folder.configPath)).config.database;
  return await openForTest(t, sqlite === '' ? { postgres } : { sqlite });
}
