import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { CompilableQuery } from './database.ts';
import { isNotPinned } from './expired-media.ts';
import type { ObjectPlace } from './objects.ts';
import type { Db, MediaRow, Tables } from './tables.ts';

/*
 * Media rows that point at one object. There may be a million of them, of a picture that everybody sends: so they are
 * judged by the database, and dealt with in parts.
 */

/** Which media: a condition on rows of `media`. */
export type MediaCondition = (where: ExpressionBuilder<Tables, 'media'>) => Expression<SqlBool>;

type NamedMedia = Pick<MediaRow, 'origin' | 'media_id'>;

export const isQuarantined: MediaCondition = (eb) => eb('quarantined', '=', true);

/**
 * The rows that matrix-media-repo makes for its own thumbnails: without user and name, on a domain of ours, and not
 * quarantined. Nobody is ever told their URIs.
 */
export function isHidden(ourOrigins: readonly string[]): MediaCondition {
  return (eb) =>
    eb.and([
      eb.and({ user_id: '', upload_name: '', quarantined: false }),
      ourOrigins.length === 0 ? sql<boolean>`1 = 0` : eb('origin', 'in', ourOrigins),
    ]);
}

/** Another server has it, and it is neither quarantined nor pinned. */
export function isFetchable(ourOrigins: readonly string[]): MediaCondition {
  return (eb) =>
    eb.and([
      eb.and({ user_id: '', quarantined: false }),
      ...(ourOrigins.length === 0 ? [] : [eb('origin', 'not in', ourOrigins)]),
      isNotPinned(eb),
    ]);
}

export function isNot(condition: MediaCondition): MediaCondition {
  return (eb) => eb.not(condition(eb));
}

/** Some that point at the object, in no order. */
export function findMediaAt(
  db: Db,
  { datastore_id, location }: ObjectPlace,
  condition: MediaCondition | undefined,
  limit: number,
): Promise<NamedMedia[]> {
  let query = db
    .selectFrom('media')
    .select(['origin', 'media_id'])
    .where('datastore_id', '=', datastore_id)
    .where('location', '=', location);
  if (condition !== undefined) query = query.where(condition);
  return query.limit(limit).execute();
}

/** Whether any points at the object. */
export async function hasMediaAt(db: Db, place: ObjectPlace, condition?: MediaCondition): Promise<boolean> {
  return (await findMediaAt(db, place, condition, 1)).length > 0;
}

export async function countMediaAt(db: Db, { datastore_id, location }: ObjectPlace): Promise<number> {
  const found = await db
    .selectFrom('media')
    .select(({ fn }) => fn.countAll().as('media'))
    .where('datastore_id', '=', datastore_id)
    .where('location', '=', location)
    .executeTakeFirst();
  return Number(found?.media ?? 0);
}

/** The records alone: what was made of the media stays right when it is fetched again. Leaves alone what has been moved or marked since. */
export function deleteMediaAt(
  db: Db,
  { datastore_id, location }: ObjectPlace,
  condition: MediaCondition,
  some: readonly NamedMedia[],
): CompilableQuery[] {
  return some.map(({ origin, media_id }) =>
    db
      .deleteFrom('media')
      .where('media_id', '=', media_id)
      .where('origin', '=', origin)
      .where('datastore_id', '=', datastore_id)
      .where('location', '=', location)
      .where(condition),
  );
}
