import { TABLES } from './objects.ts';
import type { Db } from './tables.ts';

/** An object as one of its rows describes it. */
export interface DescribedObject {
  readonly location: string;
  /** Empty in the oldest rows of thumbnails. */
  readonly sha256_hash: string;
  readonly size_bytes: number;
}

export interface MovableObject extends DescribedObject {
  /** One of those under which it was stored. */
  readonly content_type: string;
}

export const MOVABLE_TABLES = TABLES;

/**
 * Objects of a datastore that were last used before `beforeTs`, in the order of their locations, which is the database's own.
 * Content of which nobody knows when it was used counts as very old.
 * @param after the location that the last page ended with; empty for the first page
 */
export function findMovableObjects(
  db: Db,
  table: (typeof TABLES)[number],
  datastoreId: string,
  beforeTs: number,
  after: string,
  limit: number,
): Promise<MovableObject[]> {
  return db
    .selectFrom(table)
    .leftJoin('last_access', 'last_access.sha256_hash', `${table}.sha256_hash`)
    .select([`${table}.location`, `${table}.sha256_hash`, `${table}.size_bytes`])
    .select(({ fn }) => fn.min<string>(`${table}.content_type`).as('content_type'))
    .groupBy([`${table}.location`, `${table}.sha256_hash`, `${table}.size_bytes`])
    .where(`${table}.datastore_id`, '=', datastoreId)
    .where(`${table}.location`, '>', after)
    .where(({ fn, lit }) => fn.coalesce('last_access.last_access_ts', lit(0)), '<', beforeTs)
    .orderBy(`${table}.location`)
    .limit(limit)
    .execute();
}
