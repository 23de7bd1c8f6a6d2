import { type Db, estimateStorage, findMovableObjects, MOVABLE_TABLES, type MovableObject } from '../database/index.ts';
import { StorageFull, Unavailable } from '../matrix/index.ts';
import { createLeftBehind, type LeftBehind, type Reason } from './left-behind.ts';
import { moveOne, type Outcome, type Transfer, WrongObject } from './move-object.ts';
import { ReadFailed, readPatiently, WriteFailed } from './object-trouble.ts';
import type { Pace } from './pace.ts';
import type { UpkeepParts } from './upkeep-parts.ts';

export interface Transferred {
  readonly objects: number;
  readonly bytes: number;
  /** Stay where they are; the log names them. */
  readonly leftBehind: LeftBehind;
}

export type ReportTransfer = (done: Transferred, totalBytes: number) => void;

const PAGE = 200;

/**
 * Moves objects from one datastore to another, several at once: copy, check the hash, point the rows at the copy, delete
 * the original. Whatever interrupts it, each row points at a whole object; what is left is moved by the next call. So is what
 * had to be left behind, as an object that cannot be read has to: the others move all the same.
 * Archives stay: their rows are looked up by other means.
 * @throws {Unavailable} {@link StorageFull}, which concern all that is left to do
 * @param atOnce less than one counts as one
 */
export async function transferObjects(
  parts: UpkeepParts,
  transfer: Transfer,
  atOnce: number,
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
  const moving = Array.from({ length: Math.max(1, atOnce) }, moveSome);
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

function reasonOf(error: unknown): Reason {
  if (error instanceof ReadFailed) return 'cannot be read';
  if (error instanceof WriteFailed) return 'cannot be written to the target';
  return error instanceof WrongObject ? error.reason : 'has met some other trouble';
}
