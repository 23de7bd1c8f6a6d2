import type { Client } from 'pg';
import type { Log } from '../../telemetry/index.ts';
import { DatabaseRefused, OnlyReads } from '../errors.ts';
import { missingVersions } from '../own-versions.ts';
import type { Migration } from './migration.ts';
import { mmrMigrations } from './mmr.ts';
import { vitrineVersions } from './vitrine.ts';

/** Any number will do, as long as every Vitrine takes the same. This one spells "vitrine". */
const ADVISORY_LOCK = '33329996108492389';

/** What a database says of itself before anything is changed. */
interface Findings {
  /** Where new tables go, usually `public`. */
  readonly schema: string;
  /** The numbers in `gomigrate`; `undefined` without that table. */
  readonly applied: ReadonlySet<number> | undefined;
  readonly hasMedia: boolean;
  /** Of the tables that are Vitrine's own; 0 for none. */
  readonly ownVersion: number;
  /** Tables in the schema that are neither `gomigrate` nor Vitrine's nor an extension's. */
  readonly otherTables: readonly string[];
}

/**
 * Makes MMR's schema in an empty database, in one transaction, and completes an older one as MMR would: what is
 * missing, in order, each number in a transaction of its own. Then come the tables that are Vitrine's own. One process
 * at a time.
 * @throws {DatabaseRefused} when the database is another program's, a newer MMR's or a newer Vitrine's; nothing is
 * changed then
 * @throws {OnlyReads}
 */
export async function migratePostgres(client: Client, log: Log): Promise<void> {
  let isComplete = false;
  while (!isComplete) isComplete = await inTransaction(client, () => migrateFurther(client, log));
}

/**
 * What {@link migratePostgres} would do, without doing it.
 * @throws {DatabaseRefused} as it would
 */
export async function inspectMigrations(client: Client): Promise<{ isNew: boolean; missingSteps: number }> {
  const findings = await lookAround(client);
  const own = missingVersions('this database', findings.ownVersion, vitrineVersions).length;
  refuseForeign(findings);
  const { applied } = findings;
  if (applied === undefined) return { isNew: true, missingSteps: 0 };
  return { isNew: false, missingSteps: own + mmrMigrations.filter(({ number }) => !applied.has(number)).length };
}

/** One transaction's worth. @returns whether nothing is left to do */
async function migrateFurther(client: Client, log: Log): Promise<boolean> {
  await takeTurn(client, log);
  const findings = await lookAround(client);
  const missingOwn = missingVersions('this database', findings.ownVersion, vitrineVersions);
  refuseForeign(findings);
  const { applied = new Set<number>(), schema } = findings;
  const missing = mmrMigrations.filter(({ number }) => !applied.has(number));
  if (findings.applied === undefined) {
    await client.query('CREATE TABLE gomigrate (id SERIAL PRIMARY KEY, migration_id BIGINT UNIQUE NOT NULL)');
    for (const migration of missing) await apply(client, migration);
    await applyOwnVersions(client, missingOwn, log);
    log.info({ schema }, 'Made the tables of a new database');
    return true;
  }
  const [next] = missing;
  if (next === undefined) {
    await applyOwnVersions(client, missingOwn, log);
    return true;
  }
  log.info({ migration: next.number, does: next.does, schema }, 'Bringing the tables up to date');
  await apply(client, next);
  return false;
}

/** Held to the end of the transaction. Who comes second finds what the first has done. */
async function takeTurn(client: Client, log: Log): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>(
    `SELECT pg_try_advisory_xact_lock(${ADVISORY_LOCK}) AS taken`,
  );
  if (rows[0]?.taken === true) return;
  log.info('Waiting for another Vitrine that brings the tables of this database up to date');
  await client.query(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`);
}

async function apply(client: Client, { number, sql }: Migration): Promise<void> {
  await client.query(sql);
  await client.query('INSERT INTO gomigrate (migration_id) VALUES ($1)', [number]);
}

async function applyOwnVersions(client: Client, missing: ReturnType<typeof missingVersions>, log: Log): Promise<void> {
  // Its indexes take minutes with many millions of rows, and wait for whoever changes the tables.
  if (missing.length > 0) log.info("Bringing Vitrine's own tables and indexes up to date");
  for (const { version, sql } of missing) {
    await client.query('CREATE TABLE IF NOT EXISTS vitrine_schema (version INTEGER PRIMARY KEY)');
    await client.query(sql);
    await client.query('INSERT INTO vitrine_schema (version) VALUES ($1)', [version]);
  }
}

/**
 * Tables are looked for as every query will: along the role's own search path. In the catalogue itself, because
 * `to_regclass` may answer from a cache that is older than the lock.
 */
async function lookAround(client: Client): Promise<Findings> {
  const { rows } = await client.query<{ isReadOnly: boolean; schema: string; known: readonly string[] }>(`
    SELECT current_setting('transaction_read_only')::boolean AS "isReadOnly", current_schema() AS schema, ARRAY(
      SELECT relname::text FROM pg_catalog.pg_class
      WHERE relname IN ('gomigrate', 'media', 'vitrine_schema') AND pg_catalog.pg_table_is_visible(oid)
    ) AS known`);
  const [found] = rows;
  if (found === undefined) throw new Error('PostgreSQL answered a question about itself with nothing');
  if (found.isReadOnly) throw new OnlyReads('it can only be read: a standby, or default_transaction_read_only is set');
  const numbers = found.known.includes('gomigrate')
    ? await client.query<{ migration_id: number }>('SELECT migration_id FROM gomigrate')
    : undefined;
  const own = found.known.includes('vitrine_schema')
    ? await client.query<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM vitrine_schema')
    : undefined;
  const tables = await client.query<{ relname: string }>(`
    SELECT relname FROM pg_catalog.pg_class AS class
    WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
      AND relkind IN ('r', 'p', 'f') AND relname <> 'gomigrate' AND relname NOT LIKE 'vitrine\\_%'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE objid = class.oid AND deptype = 'e')
    ORDER BY relname`);
  return {
    schema: found.schema,
    applied: numbers && new Set(numbers.rows.map((row) => row.migration_id)),
    hasMedia: found.known.includes('media'),
    ownVersion: own?.rows[0]?.version ?? 0,
    otherTables: tables.rows.map((row) => row.relname),
  };
}

function refuseForeign({ applied, hasMedia, otherTables, schema }: Findings): void {
  const newest = mmrMigrations.length;
  const unknown = [...(applied ?? [])].filter((number) => number > newest).toSorted((a, b) => a - b);
  if (unknown.length > 0) {
    throw new DatabaseRefused(
      `A newer matrix-media-repo has changed this database: it has migration ${unknown.join(', ')}, and this Vitrine ` +
        `knows them up to ${newest}. Nothing was changed; use a newer Vitrine`,
    );
  }
  // MMR makes its bookkeeping first: an empty one alone is a database that it was only about to use.
  const isOurs = applied !== undefined && (hasMedia || (applied.size === 0 && otherTables.length === 0));
  const isEmpty = applied === undefined && otherTables.length === 0;
  if (isOurs || isEmpty) return;
  const found =
    otherTables.length === 0 ? 'migrations in gomigrate but no table media' : `tables ${shortList(otherTables)}`;
  throw new DatabaseRefused(
    `This database belongs to something else: found ${found} in schema "${schema}". Nothing was changed; give Vitrine ` +
      'a database of its own, or one of matrix-media-repo',
  );
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    // A limit that the role may have is for queries, and an index on millions of rows takes longer.
    await client.query('SET LOCAL statement_timeout = 0');
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // When this fails too, the connection is gone, and the transaction with it.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
