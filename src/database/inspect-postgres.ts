import { Client } from 'pg';
import { orAborted } from '../waiting/index.ts';
import type { DatabaseReport, PostgresReport } from './database-report.ts';
import { DatabaseRefused } from './errors.ts';
import { inspectMigrations } from './migrations/migrate-postgres.ts';
import { makeClientConfig } from './postgres-config.ts';
import { asRefusal, isWorthWaiting } from './postgres-errors.ts';

/** @throws {DatabaseRefused} */
export async function inspectPostgres(dsn: string, now: () => number, signal: AbortSignal): Promise<DatabaseReport> {
  const config = makeClientConfig(dsn, process.env);
  const client = new Client(config);
  client.on('error', () => undefined); // what breaks the connection also rejects what waits for it
  try {
    return await orAborted(
      client.connect().then(() => look(client, now)),
      signal,
    );
  } catch (error) {
    const where = `PostgreSQL at ${config.host}:${config.port}`;
    if (signal.aborted) throw new DatabaseRefused(`${where} does not answer`, { cause: error });
    if (!isWorthWaiting(error)) throw asRefusal(error);
    throw new DatabaseRefused(`${where} cannot be used now: ${reasonOf(error)}`, { cause: error });
  } finally {
    // Not awaited: a server that does not answer would not answer this either.
    void client.end().catch(() => undefined);
  }
}

async function look(client: Client, now: () => number): Promise<DatabaseReport> {
  const askedTs = now();
  const { rows } = await client.query<{ version: string; ts: number }>(
    "SELECT current_setting('server_version') AS version, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ts",
  );
  const [found] = rows;
  // The answer is from some time between the question and now.
  const clockAheadMs = (found?.ts ?? askedTs) - (askedTs + now()) / 2;
  const { isNew, missingSteps } = await inspectMigrations(client);
  const program = `PostgreSQL ${found?.version ?? ''}`;
  return { program, isNew, missingSteps, isInUse: false, clockAheadMs, server: await lookAtServer(client) };
}

async function lookAtServer(client: Client): Promise<PostgresReport> {
  const { rows } = await client.query<PostgresReport>(`
    SELECT current_setting('server_encoding') AS encoding, current_setting('max_connections')::int AS "maxConnections",
      has_schema_privilege(current_schema(), 'CREATE') AS "mayMakeTables", ARRAY(
        SELECT relname::text FROM pg_catalog.pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT (
          has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
          AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
        ORDER BY relname) AS "closedTables"`);
  const [found] = rows;
  if (found === undefined) throw new Error('PostgreSQL answered a question about itself with nothing');
  return found;
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
