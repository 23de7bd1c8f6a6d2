import {
  ConditionFailed,
  findMediaAt,
  findObjectIn,
  isReferenced,
  type MovableObject,
  moveObject,
  type ObjectPlace,
  objectIsReferenced,
} from '../database/index.ts';
import type { Datastore, Temporary } from '../datastores/index.ts';
import { Unavailable } from '../matrix/index.ts';
import { copyObject, readWhole } from './copy-object.ts';
import { isBlocked } from './is-blocked.ts';
import type { Reason } from './left-behind.ts';
import { asRead, asWritten, ReadFailed } from './object-trouble.ts';
import type { Pace } from './pace.ts';
import { deleteUnreferenced, lockContent } from './stored-content.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

export interface Transfer {
  readonly source: Datastore;
  readonly target: Datastore;
  /** What was used at this time or later stays where it is. Milliseconds since 1970. */
  readonly beforeTs: number;
}

export type Outcome = 'moved' | 'gone' | Reason;

const DELETION_MS = 60_000;

/** The object is known to be another one than it should be. */
export class WrongObject extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Moves one object: copy, check the hash, point the rows at the copy, delete the original.
 * @throws {WrongObject} {@link ReadFailed} {@link WriteFailed} {@link Unavailable} {@link StorageFull}
 */
export async function moveOne(
  parts: UpkeepParts,
  transfer: Transfer,
  object: MovableObject,
  pace: Pace,
  signal: AbortSignal,
): Promise<Outcome> {
  const { source, target } = transfer;
  if (parts.datastores.sharing(source.id).includes(target.id)) return await rename(parts, transfer, object, signal);
  // Without a copy, where the target has this content already.
  const outcome = object.sha256_hash === '' ? undefined : await repoint(parts, transfer, object, undefined, signal);
  if (outcome !== undefined) return outcome;
  await using original = await asRead(() => source.open(object.location, signal));
  if (original === undefined) {
    const place = placeOf(transfer, object);
    if (!(await isReferenced(parts.database.db, place))) return 'gone';
    if (await isBlocked(parts.database.db, place)) return await rename(parts, transfer, object, signal);
    throw new WrongObject('is not there', 'It is not there');
  }
  // Without the lock: whoever uploads this content should not have to wait for a whole copy.
  const copy = await copyObject(original, target, object.content_type, pace, signal);
  await using temporary = copy.temporary;
  if (copy.sizeBytes !== object.size_bytes) {
    throw new WrongObject(
      'is not what the database says',
      `It has ${copy.sizeBytes} bytes; ${object.size_bytes} are due`,
    );
  }
  if (object.sha256_hash !== '' && object.sha256_hash !== copy.sha256) {
    throw new WrongObject(
      'is not what the database says',
      `Its content has the hash ${copy.sha256}; ${object.sha256_hash} is due`,
    );
  }
  return (
    (await repoint(parts, transfer, { ...object, sha256_hash: copy.sha256 }, temporary, signal)) ??
    'has met some other trouble'
  );
}

/** The rows alone: the object is where it belongs already, since source and target are one place, or there is none. */
async function rename(
  parts: UpkeepParts,
  transfer: Transfer,
  object: MovableObject,
  signal: AbortSignal,
): Promise<Outcome> {
  const { database } = parts;
  const from = placeOf(transfer, object);
  await using _lock = await lockContent(parts.locks, object.sha256_hash || `object-${object.location}`, signal);
  const renamed = await findMediaAt(database.db, from, undefined, MAX_FORGOTTEN);
  await database.atomically(moveObject(database.db, from, { ...from, datastore_id: transfer.target.id }));
  forget(parts, renamed);
  return 'moved';
}

/**
 * Points the rows at an object of the target and deletes the original.
 * @param copy becomes that object, unless the target has one with this content by now
 * @returns `undefined`: the target has none, and there is no copy
 */
async function repoint(
  parts: UpkeepParts,
  transfer: Transfer,
  object: MovableObject,
  copy: Temporary | undefined,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const { database } = parts;
  const { db } = database;
  const from = placeOf(transfer, object);
  await using _lock = await lockContent(parts.locks, object.sha256_hash, signal);
  if (!(await isReferenced(db, from))) return 'gone';
  const known = await findObjectIn(db, object.sha256_hash, transfer.target.id);
  // The original goes, so the one that stays is read to its end.
  const isKnown =
    known?.size_bytes === object.size_bytes && (await isWhole(transfer.target, known, object.sha256_hash, signal))
      ? known
      : undefined;
  if (isKnown === undefined && copy === undefined) return undefined;
  const to = isKnown ?? {
    datastore_id: transfer.target.id,
    location: copy === undefined ? '' : await asWritten(() => copy.keep()),
  };
  const moved = await findMediaAt(db, from, undefined, MAX_FORGOTTEN);
  const conditions = [from, ...(isKnown === undefined ? [] : [to])].map((place) => objectIsReferenced(database, place));
  try {
    await database.atomically(moveObject(db, from, to), conditions);
  } catch (error) {
    // Nobody knows whether a database that went away has committed; an object too many is the lesser evil.
    if (isKnown === undefined && !(error instanceof Unavailable)) await transfer.target.delete(to.location, signal);
    if (!(error instanceof ConditionFailed)) throw error;
    return isKnown === undefined ? 'gone' : undefined; // to a process without Redis
  }
  forget(parts, moved);
  // Not given up in the middle: nobody would come back for the original.
  await deleteUnreferenced(parts, from, AbortSignal.timeout(DELETION_MS));
  return 'moved';
}

/** Of an object that more media have, all records are forgotten. */
const MAX_FORGOTTEN = 100;

/** Only what has moved: whoever has much to move would else leave nothing remembered for as long as it takes. */
function forget(parts: UpkeepParts, moved: Awaited<ReturnType<typeof findMediaAt>>): void {
  if (moved.length === MAX_FORGOTTEN) parts.forgetRecords();
  else for (const { origin, media_id } of moved) parts.forgetRecord({ origin, mediaId: media_id });
}

async function isWhole(
  target: Datastore,
  { location }: ObjectPlace,
  sha256: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await using object = await asRead(() => target.open(location, signal));
    return object !== undefined && (await readWhole(object, signal, async () => undefined)).sha256 === sha256;
  } catch (error) {
    if (signal.aborted || !(error instanceof ReadFailed)) throw error;
    await target.checkHealth(signal);
    return false; // it is the one object that cannot be read
  }
}

function placeOf({ source }: Transfer, { location }: MovableObject) {
  return { datastore_id: source.id, location };
}
