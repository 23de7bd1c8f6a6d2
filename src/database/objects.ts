import { sql } from 'kysely';
import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** Where the bytes are. */
export interface ObjectPlace {
  readonly datastore_id: string;
  readonly location: string;
}

/** An object with the size that its rows say. */
export interface KnownObject extends ObjectPlace {
  readonly size_bytes: number;
}

/** Whose rows point at objects that several of them may share. */
export const TABLES = ['media', 'thumbnails', 'vitrine_thumbnail_variants'] as const;

/** An object that holds this content, whatever it was stored for. */
export async function findObjectWithHash(db: Db, sha256: string): Promise<KnownObject | undefined> {
  for (const table of TABLES) {
    const found = await objectIn(db, table, sha256).executeTakeFirst();
    if (found !== undefined) return found;
  }
  return undefined;
}

export function objectIn(db: Db, table: (typeof TABLES)[number], sha256: string) {
  return db
    .selectFrom(table)
    .select(['datastore_id', 'location', 'size_bytes'])
    .where('sha256_hash', '=', sha256)
    .limit(1);
}

/** One that holds this content in this datastore. */
export async function findObjectIn(db: Db, sha256: string, datastoreId: string): Promise<KnownObject | undefined> {
  const [first, ...others] = TABLES.map((table) =>
    db.selectFrom(objectIn(db, table, sha256).where('datastore_id', '=', datastoreId).as(`of_${table}`)).selectAll(),
  );
  return await others
    .reduce((all, one) => all?.unionAll(one), first)
    ?.limit(1)
    .executeTakeFirst();
}

/** Whose rows point at objects, shared or not. */
export const REFERRING_TABLES = [...TABLES, 'export_parts'] as const;

/** Which of the locations some row points at. At most 500: parameters are limited. */
export async function findReferenced(
  db: Db,
  datastoreId: string,
  locations: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (locations.length === 0) return found;
  for (const table of REFERRING_TABLES) {
    const rows = await db
      .selectFrom(table)
      .select('location')
      .distinct()
      .where('datastore_id', '=', datastoreId)
      .where('location', 'in', locations)
      .execute();
    for (const { location } of rows) found.add(location);
  }
  return found;
}

export async function isReferenced(db: Db, { datastore_id, location }: ObjectPlace): Promise<boolean> {
  const found = REFERRING_TABLES.map(
    (table) =>
      sql`exists (select 1 from ${sql.table(table)} where datastore_id = ${datastore_id} and location = ${location})`,
  );
  const { rows } = await sql`select 1 as one where ${sql.join(found, sql` or `)}`.execute(db);
  return rows.length > 0;
}

/** Points every row that names the object at its new place. */
export function moveObject(db: Db, from: ObjectPlace, to: ObjectPlace): readonly CompilableQuery[] {
  return TABLES.map((table) =>
    db
      .updateTable(table)
      .set({ datastore_id: to.datastore_id, location: to.location })
      .where('datastore_id', '=', from.datastore_id)
      .where('location', '=', from.location),
  );
}

/** Every datastore that a row of these tables needs. '' stands for rows from before there were several. */
export async function distinctDatastoreIds(
  db: Db,
  tables: readonly (typeof REFERRING_TABLES)[number][] = REFERRING_TABLES,
): Promise<string[]> {
  const ids = new Set<string>();
  for (const table of tables) {
    // Jumps through the index from one id to the next: a DISTINCT would read every row of the largest tables.
    const { rows } = await sql<{ id: string }>`
      with recursive ids (id) as (
        select min(datastore_id) from ${sql.table(table)}
        union all
        select (select min(datastore_id) from ${sql.table(table)} where datastore_id > ids.id) from ids where ids.id is not null
      )
      select id from ids where id is not null`.execute(db);
    for (const row of rows) ids.add(row.id);
  }
  return [...ids];
}
