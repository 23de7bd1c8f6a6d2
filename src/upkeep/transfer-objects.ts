import {
  ConditionFailed,
  estimateStorage,
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
import type { Pace } from './pace.ts';
import { deleteUnreferenced, lockContent } from './stored-content.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

export interface Transfer {
  readonly source: Datastore;
  readonly target: Datastore;
  /** What was used at this time or later stays where it is. Milliseconds since 1970. */
  readonly beforeTs: number;
}

export interface Transferred {
  readonly objects: number;
  readonly bytes: number;
  /** Stay where they are; the log says why. */
  readonly failed: number;
}

export type ReportTransfer = (done: Transferred, totalBytes: number) => void;

const PAGE = 200;
const DELETION_MS = 60_000;

/**
 * Moves objects from one datastore to another, one after the other: copy, check the hash, point the rows at the copy, delete
 * the original. Whatever interrupts it, each row points at a whole object; what is left is moved by the next call.
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
  const { source, beforeTs } = transfer;
  const { total_bytes } = await estimateStorage(db, source.id, beforeTs);
  let done: Transferred = { objects: 0, bytes: 0, failed: 0 };
  report(done, total_bytes);
  for (const table of MOVABLE_TABLES) {
    let after = '';
    for (;;) {
      const page = await findMovableObjects(db, table, source.id, beforeTs, after, PAGE);
      for (const object of page) {
        signal.throwIfAborted();
        done = add(done, await moveOrLeave(parts, transfer, object, pace, signal), object);
        report(done, total_bytes);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.location;
    }
  }
  return done;
}

type Outcome = 'moved' | 'gone' | 'failed';

function add({ objects, bytes, failed }: Transferred, outcome: Outcome, object: MovableObject): Transferred {
  if (outcome === 'moved') return { objects: objects + 1, bytes: bytes + object.size_bytes, failed };
  return { objects, bytes, failed: outcome === 'failed' ? failed + 1 : failed };
}

async function moveOrLeave(
  parts: UpkeepParts,
  transfer: Transfer,
  object: MovableObject,
  pace: Pace,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    return await moveOne(parts, transfer, object, pace, signal);
  } catch (error) {
    if (signal.aborted || error instanceof Unavailable || error instanceof StorageFull) throw error;
    parts.log.warn(
      { err: error, datastore: transfer.source.id, location: object.location },
      'An object was not moved to another datastore',
    );
    return 'failed';
  }
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
  await using original = await source.open(object.location, signal);
  if (original === undefined) {
    if (!(await isReferenced(parts.database.db, placeOf(transfer, object)))) return 'gone';
    throw new Error('It is not there');
  }
  // Without the lock: whoever uploads this content should not have to wait for a whole copy.
  const copy = await copyObject(original, target, object.content_type, pace, signal);
  await using temporary = copy.temporary;
  if (copy.sizeBytes !== object.size_bytes) {
    throw new Error(`It has ${copy.sizeBytes} bytes; ${object.size_bytes} are due`);
  }
  if (object.sha256_hash !== '' && object.sha256_hash !== copy.sha256) {
    throw new Error(`Its content has the hash ${copy.sha256}; ${object.sha256_hash} is due`);
  }
  return (await repoint(parts, transfer, { ...object, sha256_hash: copy.sha256 }, temporary, signal)) ?? 'failed';
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
  const to = isKnown ?? { datastore_id: transfer.target.id, location: (await copy?.keep()) ?? '' };
  try {
    await database.atomically(
      moveObject(db, from, to),
      isKnown === undefined ? [] : [objectIsReferenced(database, to)],
    );
  } catch (error) {
    if (error instanceof ConditionFailed) return undefined; // the target has lost it to a process without Redis
    // Nobody knows whether a database that went away has committed; an object too many is the lesser evil.
    if (isKnown === undefined && !(error instanceof Unavailable)) await transfer.target.delete(to.location, signal);
    throw error;
  }
  parts.forgetRecords();
  // Not given up in the middle: nobody would come back for the original.
  await deleteUnreferenced(parts, from, AbortSignal.timeout(DELETION_MS));
  return 'moved';
}

async function isWhole(
  target: Datastore,
  { location }: ObjectPlace,
  sha256: string,
  signal: AbortSignal,
): Promise<boolean> {
  const opened = await target.open(location, signal);
  if (opened === undefined) return false;
  await using object = opened;
  return (await readWhole(object, signal, async () => undefined)).sha256 === sha256;
}

function placeOf({ source }: Transfer, { location }: MovableObject) {
  return { datastore_id: source.id, location };
}
