import type { TestContext } from 'node:test';
import { Client } from 'pg';

/**
 * Locks a table as somebody does who works in `psql` and goes to lunch. Until the end of the test, at the latest.
 * @param mode of PostgreSQL: `ACCESS EXCLUSIVE` for all, `SHARE` for those who write
 * @returns unlocks it
 */
export async function lockTable(
  t: TestContext,
  url: string,
  table: string,
  mode: 'ACCESS EXCLUSIVE' | 'SHARE' = 'ACCESS EXCLUSIVE',
): Promise<() => Promise<void>> {
  const client = new Client(url).on('error', () => undefined); // the database is dropped while it holds the lock
  await client.connect();
  t.after(() => client.end());
  await client.query('BEGIN');
  await client.query(`LOCK TABLE ${table} IN ${mode} MODE`);
  return async () => {
    await client.query('ROLLBACK');
  };
}
