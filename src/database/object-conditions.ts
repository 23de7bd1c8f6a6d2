import { type RawBuilder, sql } from 'kysely';
import type { CompilableQuery, Database } from './database.ts';
import { type ObjectPlace, TABLES } from './objects.ts';

/*
 * What has to be so when rows are written that point at an object. Locks of the cluster keep processes out of each other's
 * way, but without Redis there are none between processes, and with it they can be lost. These hold in any case: on
 * PostgreSQL until the transaction ends, on SQLite because one transaction runs at a time.
 *
 * An object is deleted after a commit with which its last row went, once nobody sees a row any more. So whoever holds a
 * row that points at it keeps the object: its deletion waits, and then finds the row that was written meanwhile.
 */

/** Some row points at the object, and none is taken from it until the end of the transaction. */
export function objectIsReferenced(
  { db, engine }: Pick<Database, 'db' | 'engine'>,
  { datastore_id, location }: ObjectPlace,
): CompilableQuery {
  // Not FOR SHARE: of two who share a row and then both write it, one would have to give up.
  const lock = engine === 'postgres' ? sql`for no key update` : sql``;
  const rows = TABLES.map(
    (table) => sql`${sql.ref(`of_${table}`)} as (
      select 1 as one from ${sql.table(table)} where datastore_id = ${datastore_id} and location = ${location} limit 1 ${lock}
    )`,
  );
  const found = TABLES.map((table) => sql`select one from ${sql.ref(`of_${table}`)}`);
  return compilable(db, sql`with ${sql.join(rows)} ${sql.join(found, sql` union all `)}`);
}

/**
 * No row has this content, and none gets it from others who ask this before the transaction ends.
 * @param sha256 64 hexadecimal digits
 */
export function contentIsNew(database: Pick<Database, 'db' | 'engine'>, sha256: string): CompilableQuery[] {
  const missing = TABLES.map(
    (table) => sql`not exists (select 1 from ${sql.table(table)} where sha256_hash = ${sha256})`,
  );
  return [
    ...contentIsOurs(database, sha256),
    compilable(database.db, sql`select 1 as one where ${sql.join(missing, sql` and `)}`),
  ];
}

/**
 * Nobody else who asks for this does anything with the content until the transaction ends. A lock of the transaction, not of
 * the session, so it works through a pooler. What it is to protect has to be asked by a query of its own behind it, which
 * sees what the one before has committed.
 */
export function contentIsOurs({ db, engine }: Pick<Database, 'db' | 'engine'>, sha256: string): CompilableQuery[] {
  if (engine === 'sqlite') return [];
  const key = BigInt.asIntN(64, BigInt(`0x${sha256.slice(0, 16)}`)).toString();
  return [compilable(db, sql`select pg_advisory_xact_lock(${key}::bigint)`)];
}

function compilable(db: Database['db'], query: RawBuilder<unknown>): CompilableQuery {
  return { compile: () => query.compile(db) };
}
