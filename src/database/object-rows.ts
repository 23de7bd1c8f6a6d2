import type { CompilableQuery } from './database.ts';
import { THUMBNAIL_TABLES } from './expired-thumbnails.ts';
import type { DescribedObject } from './movable-objects.ts';
import { type KnownObject, type ObjectPlace, REFERRING_TABLES, TABLES } from './objects.ts';
import type { Db } from './tables.ts';

/**
 * What the rows of a table say about objects of a datastore, in the order of the locations, which is the database's own.
 * @param after the location that the last page ended with; empty for the first page
 */
export async function findDescribedObjects(
  db: Db,
  table: (typeof REFERRING_TABLES)[number],
  datastoreId: string,
  after: string,
  limit: number,
): Promise<DescribedObject[]> {
  if (table === 'export_parts') {
    const parts = await db
      .selectFrom('export_parts')
      .select(['location', 'size_bytes'])
      .where('datastore_id', '=', datastoreId)
      .where('location', '>', after)
      .orderBy('location')
      .limit(limit)
      .execute();
    return parts.map((part) => ({ ...part, sha256_hash: '' }));
  }
  return await db
    .selectFrom(table)
    .select(['location', 'sha256_hash', 'size_bytes'])
    .distinct()
    .where('datastore_id', '=', datastoreId)
    .where('location', '>', after)
    .orderBy('location')
    .limit(limit)
    .execute();
}

/** How many rows of all tables point into a datastore. */
export async function countObjectRows(db: Db, datastoreId: string): Promise<number> {
  let rows = 0;
  for (const table of REFERRING_TABLES) {
    const found = await db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll().as('rows'))
      .where('datastore_id', '=', datastoreId)
      .executeTakeFirst();
    rows += Number(found?.rows ?? 0);
  }
  return rows;
}

/** Where else rows say that this content is. */
export async function findOtherPlaces(
  db: Db,
  sha256: string,
  { datastore_id, location }: ObjectPlace,
): Promise<KnownObject[]> {
  const found: KnownObject[] = [];
  for (const table of TABLES) {
    const rows = await db
      .selectFrom(table)
      .select(['datastore_id', 'location', 'size_bytes'])
      .distinct()
      .where('sha256_hash', '=', sha256)
      .where(({ or, eb }) => or([eb('datastore_id', '!=', datastore_id), eb('location', '!=', location)]))
      .limit(10)
      .execute();
    found.push(...rows);
  }
  return found;
}

/** Of whatever media they were made. */
export function deleteThumbnailsAt(db: Db, { datastore_id, location }: ObjectPlace): CompilableQuery[] {
  return THUMBNAIL_TABLES.map((table) =>
    db.deleteFrom(table).where('datastore_id', '=', datastore_id).where('location', '=', location),
  );
}
