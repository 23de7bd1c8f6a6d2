import {
  ConditionFailed,
  deleteThumbnailsAt,
  findOtherPlaces,
  hasMediaAt,
  isFetchable,
  isHidden,
  isNot,
  isThumbnailObject,
  moveObject,
  type ObjectPlace,
  objectIsReferenced,
} from '../../database/index.ts';
import { deleteRowsAt } from '../delete-rows-at.ts';
import { deleteUnreferenced, lockContent } from '../stored-content.ts';
import type { CheckParts } from './check-parts.ts';
import { findTrouble } from './find-trouble.ts';
import type { BrokenObject } from './finding.ts';

/**
 * Does what is safe for rows whose object is lost or damaged: another whole object of the same content takes its place; else
 * what can be made or fetched again is forgotten. What users of ours have uploaded is left as it is, and so is what is
 * quarantined or pinned.
 * @returns what was done; `undefined`: nothing
 */
export async function repairBroken(
  parts: CheckParts,
  broken: BrokenObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  await using _lock = await lockContent(parts.locks, broken.dueSha256 || `object-${broken.location}`, signal);
  const done = (await repoint(parts, broken, signal)) ?? (await forget(parts, broken));
  if (done === undefined) return undefined;
  parts.forgetRecords();
  if (broken.kind !== 'rows without object') await deleteUnreferenced(parts, broken, AbortSignal.timeout(60_000));
  return done;
}

async function repoint(parts: CheckParts, broken: BrokenObject, signal: AbortSignal): Promise<string | undefined> {
  const { database } = parts;
  const other = await findWhole(parts, broken, signal);
  if (other === undefined) return undefined;
  try {
    await database.atomically(moveObject(database.db, broken, other), [objectIsReferenced(database, other)]);
  } catch (error) {
    if (error instanceof ConditionFailed) return undefined; // it has gone in between
    throw error;
  }
  return `repointed to ${other.location} of ${other.datastore_id}`;
}

/** Only if nothing points at the object that cannot be had again. */
async function forget(parts: CheckParts, broken: BrokenObject): Promise<string | undefined> {
  const { database, ourOrigins } = parts;
  const { db } = database;
  const isThumbnail = await isThumbnailObject(db, broken);
  const hidden = isHidden(ourOrigins());
  const areHidden = isThumbnail && !(await hasMediaAt(db, broken, isNot(hidden)));
  const mayGo = areHidden ? hidden : isFetchable(ourOrigins());
  if (await hasMediaAt(db, broken, isNot(mayGo))) return undefined;
  const media = await deleteRowsAt(parts, broken, mayGo);
  if (isThumbnail) await database.atomically(deleteThumbnailsAt(db, broken));
  const forgotten = [
    ...(isThumbnail ? ['thumbnails, which are made again'] : []),
    ...(media > 0 && !areHidden ? [`${media} remote media, fetched again when asked for`] : []),
  ];
  return forgotten.length === 0 ? undefined : `forgot ${forgotten.join(', ')}`;
}

/** An object of the same content, read to its end: nothing is pointed at what may be damaged, too. */
async function findWhole(
  parts: CheckParts,
  broken: BrokenObject,
  signal: AbortSignal,
): Promise<ObjectPlace | undefined> {
  if (broken.dueSha256 === '') return undefined;
  for (const place of await findOtherPlaces(parts.database.db, broken.dueSha256, broken)) {
    const datastore = parts.datastores.find(place.datastore_id);
    if (datastore === undefined || place.size_bytes !== broken.dueBytes) continue;
    const due = { ...place, sha256_hash: broken.dueSha256 };
    if ((await findTrouble(datastore, due, true, signal)) === undefined) return place;
  }
  return undefined;
}
