import { type Db, hasMediaAt, isNot, isQuarantined, type ObjectPlace } from '../database/index.ts';

/**
 * Whether only quarantined media points at the object. Then it may well be gone, as purging leaves it: the rows keep the content
 * away, and need nothing more.
 */
export async function isBlocked(db: Db, place: ObjectPlace): Promise<boolean> {
  return (await hasMediaAt(db, place, isQuarantined)) && !(await hasMediaAt(db, place, isNot(isQuarantined)));
}
