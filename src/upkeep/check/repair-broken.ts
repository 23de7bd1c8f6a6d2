import {
  type CompilableQuery,
  deleteMediaRow,
  deleteThumbnailsAt,
  findHiddenMedia,
  findMediaAt,
  findOtherPlaces,
  isPinned,
  isThumbnailObject,
  type MediaRow,
  moveObject,
  type ObjectPlace,
  objectIsReferenced,
} from '../../database/index.ts';
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
  const { database } = parts;
  await using _lock = await lockContent(parts.locks, broken.dueSha256 || `object-${broken.location}`, signal);
  const { queries, conditions = [], done } = await decide(parts, broken, signal);
  if (done === undefined) return undefined;
  await database.atomically(queries, conditions);
  parts.forgetRecords();
  if (broken.kind !== 'rows without object') await deleteUnreferenced(parts, broken, AbortSignal.timeout(60_000));
  return done;
}

interface Decision {
  readonly queries: readonly CompilableQuery[];
  readonly conditions?: readonly CompilableQuery[];
  readonly done: string | undefined;
}

async function decide(parts: CheckParts, broken: BrokenObject, signal: AbortSignal): Promise<Decision> {
  const { db } = parts.database;
  const other = await findWhole(parts, broken, signal);
  if (other !== undefined) {
    const done = `repointed to ${other.location} of ${other.datastore_id}`;
    return { queries: moveObject(db, broken, other), conditions: [objectIsReferenced(parts.database, other)], done };
  }
  const isThumbnail = await isThumbnailObject(db, broken);
  const hidden = isThumbnail ? await findHiddenMedia(db, broken, parts.ourOrigins()) : undefined;
  const media = hidden === undefined ? await findMediaAt(db, broken) : [];
  for (const row of media) if (!(await isFetchable(parts, row))) return { queries: [], done: undefined };
  const forgotten = [
    ...(isThumbnail ? ['thumbnails, which are made again'] : []),
    ...(media.length > 0 ? [`${media.length} remote media, fetched again when asked for`] : []),
  ];
  if (forgotten.length === 0) return { queries: [], done: undefined };
  const queries = [...(hidden ?? []), ...media].map(({ origin, media_id }) => deleteMediaRow(db, origin, media_id));
  return { queries: [...queries, ...deleteThumbnailsAt(db, broken)], done: `forgot ${forgotten.join(', ')}` };
}

/** Another server has it. */
async function isFetchable({ database, ourOrigins }: CheckParts, row: MediaRow): Promise<boolean> {
  const isRemote = row.user_id === '' && !ourOrigins().includes(row.origin);
  return isRemote && !row.quarantined && !(await isPinned(database.db, row.origin, row.media_id));
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
