import {
  ConditionFailed,
  type Db,
  estimateStorage,
  findMediaAt,
  findMovableObjects,
  findObjectIn,
  isReferenced,
  MOVABLE_TABLES,
  type MovableObject,
  moveObject,
  type ObjectPlace,
  objectIsReferenced,
} from '../database/index.ts';
import type { Datastore, Temporary } from '../datastores/index.ts';
import { StorageFull, Unavailable } from '../matrix/index.ts';
import { copyObject, readWhole } from './copy-object.ts';
import { createLeftBehind, type LeftBehind, type Reason } from './left-behind.ts';
import { asRead, asWritten, ReadFailed, readPatiently, WriteFailed } from './object-trouble.ts';
import type { Pace } from './pace.ts';
import { deleteUnreferenced, lockContent } from './stored-content.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

export interface Transfer {
  readonly source: Datastore;
  readonly target: Datastore;
  /** What was used at this time or later stays where it is. Milliseconds since 1970. */
  readonly beforeTs: number;
  /** Less than one counts as one. */
  readonly objectsAtOnce: number;
}

export interface Transferred {
  readonly objects: number;
  readonly bytes: number;
  /** Stay where they are; the log names them. */
  readonly leftBehind: LeftBehind;
}

export type ReportTransfer = (done: Transferred, totalBytes: number) => void;

const PAGE = 200;
const DELETION_MS = 60_000;

/**
 * Moves objects from one datastore to another, several at once: copy, check the hash, point the rows at the copy, delete
 * the original. Whatever interrupts it, each row points at a whole object; what is left is moved by the next call. So is what
 * had to be left behind, as an object that cannot be read has to: the others move all the same.
 * Archives stay: their rows are looked up by other means.
 * @throws {Unavailable} {@link StorageFull}, which concern all that is left to do
 */
export async function transferObjects(
  parts: UpkeepParts,
  transfer: Transfer,
  pace: Pace,
  report: ReportTransfer,
  signal: AbortSignal,
): Promise<Transferred> {
  const { db } = parts.database.patient(signal);
  const { total_bytes } = await estimateStorage(db, transfer.source.id, transfer.beforeTs);
  const leftBehind = createLeftBehind();
  let done: Transferred = { objects: 0, bytes: 0, leftBehind };
  let unwritten = 0;
  report(done, total_bytes);
  const movable = listMovable(db, transfer);
  const moveSome = async () => {
    // Each takes the next one. When one fails, the list ends for all of them, behind what they are at.
    for await (const object of movable) {
      signal.throwIfAborted();
      const outcome = await moveOrLeave(parts, transfer, object, () => unwritten < MAX_UNWRITTEN, pace, signal);
      unwritten = outcome === 'cannot be written to the target' ? unwritten + 1 : 0;
      if (outcome === 'moved') done = { ...done, objects: done.objects + 1, bytes: done.bytes + object.size_bytes };
      else if (outcome !== 'gone') leftBehind.add(outcome, object.location);
      report(done, total_bytes);
    }
  };
  const moving = Array.from({ length: Math.max(1, transfer.objectsAtOnce) }, moveSome);
  const failed = (await Promise.allSettled(moving)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return done;
}

async function* listMovable(db: Db, { source, beforeTs }: Transfer): AsyncGenerator<MovableObject> {
  for (const table of MOVABLE_TABLES) {
    for (let after = ''; ; ) {
      const page = await findMovableObjects(db, table, source.id, beforeTs, after, PAGE);
      yield* page;
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.location;
    }
  }
}

type Outcome = 'moved' | 'gone' | Reason;

/** So many objects in a row that cannot be written are no matter of the objects. */
const MAX_UNWRITTEN = 5;

/** @throws {Unavailable} {@link StorageFull} when it concerns all that is left to do */
async function moveOrLeave(
  parts: UpkeepParts,
  transfer: Transfer,
  object: MovableObject,
  mayBeUnwritten: () => boolean,
  pace: Pace,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await readPatiently(transfer.source, signal, () => moveOne(parts, transfer, object, pace, signal));
  } catch (error) {
    if (signal.aborted || error instanceof Unavailable || error instanceof StorageFull) throw error;
    if (error instanceof WriteFailed) {
      await transfer.target.checkHealth(signal);
      if (!mayBeUnwritten()) throw error.cause;
    }
    parts.log.warn(
      { err: error, datastore: transfer.source.id, location: object.location },
      'An object was not moved to another datastore',
    );
    return reasonOf(error);
  }
}

/** The object is known to be another one than it should be. */
class WrongObject extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

function reasonOf(error: unknown): Reason {
  if (error instanceof ReadFailed) return 'cannot be read';
  if (error instanceof WriteFailed) return 'cannot be written to the target';
  return error instanceof WrongObject ? error.reason : 'has met some other trouble';
}

async function moveOne(
  parts: UpkeepParts,
  transfer: Transfer,
  object: MovableObject,
  pace: Pace,
  signal: AbortSignal,
): Promise<Outcome> {
  const { source, target } = transfer;
  // Without a copy, where the target has this content already.
  const outcome = object.sha256_hash === '' ? undefined : await repoint(parts, transfer, object, undefined, signal);
  if (outcome !== undefined) return outcome;
  await using original = await asRead(() => source.open(object.location, signal));
  if (original === undefined) {
    if (!(await isReferenced(parts.database.db, placeOf(transfer, object)))) return 'gone';
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
