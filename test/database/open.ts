import type { TestContext } from 'node:test';
import pino from 'pino';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/database/index.ts';

/** Opens a database with what a test does not care about filled in. Closed after the test, if not before. */
export async function openForTest(t: TestContext, options: Partial<DatabaseOptions>): Promise<Database> {
  const database = await openDatabase({
    pool: { maxConnections: 10, maxIdleConnections: 5 },
    log: pino({ level: 'silent' }),
    now: Date.now,
    signal: t.signal,
    ...options,
  });
  t.after(() => database[Symbol.asyncDispose]());
  return database;
}
