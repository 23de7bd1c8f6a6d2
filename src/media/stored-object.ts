import { type CompilableQuery, type Database, type KnownObject, moveObject } from '../database/index.ts';
import type { Datastore, Datastores } from '../datastores/index.ts';
import { Unavailable } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import type { ReceivedBytes } from './received-bytes.ts';

/** Where an object is, in the words of the database. */
export interface ObjectPlace {
  readonly datastore_id: string;
  readonly location: string;
}

/** What has to be written together with the row that will point at the object. */
export interface PlacedObject {
  readonly place: ObjectPlace;
  /** Repoints the rows of an object that was lost; empty in every other case. */
  readonly repairs: readonly CompilableQuery[];
  /** Takes the object away again, when the row could not be written. Does nothing for one that was there before. */
  undo(signal: AbortSignal): Promise<void>;
}

/**
 * Makes sure that these bytes are stored once: uses the object of equal content if there is one and it is really
 * there, else keeps the temporary. To be called under the lock on the hash.
 * @param known an object of equal content, by what the database says under that lock
 */
export async function placeObject(
  { database: { db }, datastores }: Pick<MediaParts, 'database' | 'datastores'>,
  datastore: Datastore,
  received: ReceivedBytes,
  known: KnownObject | undefined,
  signal: AbortSignal,
): Promise<PlacedObject> {
  if (known !== undefined && (await isThere(datastores, known, received.sizeBytes, signal))) {
    return { place: known, repairs: [], undo: async () => undefined };
  }
  const place = { datastore_id: datastore.id, location: await received.temporary.keep() };
  return {
    place,
    repairs: known === undefined ? [] : moveObject(db, known, place),
    undo: (undoSignal) => datastore.delete(place.location, undoSignal),
  };
}

/** A datastore that cannot be asked keeps its objects: only one that says "no such object" has lost it. */
async function isThere(
  datastores: Datastores,
  place: ObjectPlace,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  const datastore = datastores.find(place.datastore_id);
  if (datastore === undefined) return false;
  const object = await datastore.open(place.location, signal);
  if (object === undefined) return false;
  await using held = object;
  return held.sizeBytes === sizeBytes;
}

/**
 * Writes the rows that point at a placed object. Bytes first, rows second: a crash in between leaves an object without
 * rows, never a row without its object.
 */
export async function commitObject(
  database: Database,
  placed: PlacedObject,
  rows: readonly CompilableQuery[],
  signal: AbortSignal,
): Promise<void> {
  const queries = [...placed.repairs, ...rows];
  if (queries.length === 0) return;
  try {
    await database.atomically(queries);
  } catch (error) {
    // When the database went away nobody knows whether it has committed; an object too many is the lesser evil.
    if (!(error instanceof Unavailable)) await placed.undo(signal);
    throw error;
  }
}
