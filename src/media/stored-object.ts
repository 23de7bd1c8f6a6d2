import {
  type CompilableQuery,
  ConditionFailed,
  contentIsNew,
  contentIsOurs,
  findObjectWithHash,
  type KnownObject,
  moveObject,
  type ObjectPlace,
  objectIsReferenced,
} from '../database/index.ts';
import type { Datastores } from '../datastores/index.ts';
import { Unavailable } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import { createOwnObject, type OwnObject } from './own-object.ts';
import type { ReceivedBytes } from './received-bytes.ts';

/** Each time, somebody else has to store or delete the same content at the same moment. */
const MAX_TRIES = 10;

/**
 * Stores the bytes once and writes the rows that point at them: uses the object of equal content if there is one and it is
 * really there, else keeps the temporary. To be called under the lock on the hash. That keeps others of this process away,
 * and those of other processes while there is a Redis; the rest is made sure of by the database, where rows are written only
 * if what was found here still holds.
 *
 * Bytes first, rows second: a crash in between leaves an object without rows, never a row without its object.
 * @param datastoreId where an object is kept that is new
 * @param known an object of equal content, by what the database says
 * @param rowsAt what is to be written of an object at this place; may be called more than once
 */
export async function storeObject(
  parts: Pick<MediaParts, 'database' | 'datastores' | 'records'>,
  datastoreId: string,
  received: ReceivedBytes,
  known: KnownObject | undefined,
  rowsAt: (place: ObjectPlace) => readonly CompilableQuery[],
  signal: AbortSignal,
): Promise<ObjectPlace> {
  const { database, datastores, records } = parts;
  await using own = createOwnObject(datastores, datastoreId, received.temporary);
  let found = known;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { place, repairs, conditions } = await planFor(parts, own, received, found, signal);
    try {
      await database.atomically([...repairs, ...rowsAt(place)], conditions);
    } catch (error) {
      // When the database went away nobody knows whether it has committed; an object too many is the lesser evil.
      if (error instanceof Unavailable) own.letStand();
      if (!(error instanceof ConditionFailed)) throw error;
      found = await findObjectWithHash(database.db, received.sha256);
      continue;
    }
    if (own.isAt(place)) own.letStand();
    if (repairs.length > 0) records.forgetAll();
    return place;
  }
  throw new Unavailable('The same content is being stored and deleted too often; try again');
}

interface Plan {
  readonly place: ObjectPlace;
  /** Repoints the rows of an object that was lost; empty in every other case. */
  readonly repairs: readonly CompilableQuery[];
  readonly conditions: readonly CompilableQuery[];
}

async function planFor(
  { database, datastores }: Pick<MediaParts, 'database' | 'datastores'>,
  own: OwnObject,
  { sha256, sizeBytes }: ReceivedBytes,
  known: KnownObject | undefined,
  signal: AbortSignal,
): Promise<Plan> {
  if (known === undefined) {
    return { place: await own.keep(), repairs: [], conditions: contentIsNew(database, sha256) };
  }
  const isReferenced = objectIsReferenced(database, known);
  if (await isThere(datastores, known, sizeBytes, signal)) {
    return { place: known, repairs: [], conditions: [isReferenced] };
  }
  const place = await own.keep();
  return {
    place,
    repairs: moveObject(database.db, known, place),
    conditions: [...contentIsOurs(database, sha256), isReferenced],
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
