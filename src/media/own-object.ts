import type { ObjectPlace } from '../database/index.ts';
import type { Datastores, Temporary } from '../datastores/index.ts';
import { Unavailable } from '../matrix/index.ts';

/** What a temporary may become. Disposing it takes the object away again, unless it is to stand. */
export interface OwnObject extends AsyncDisposable {
  /** Makes the temporary an object, the first time. */
  keep(): Promise<ObjectPlace>;
  isAt(place: ObjectPlace): boolean;
  /** Rows point at it, or may do so. */
  letStand(): void;
}

const DELETION_MS = 60_000;

export function createOwnObject(datastores: Datastores, datastoreId: string, temporary: Temporary): OwnObject {
  let kept: ObjectPlace | undefined;
  let mayStand = false;
  return {
    async keep() {
      kept ??= { datastore_id: datastoreId, location: await temporary.keep() };
      return kept;
    },
    isAt: (place) => place === kept,
    letStand() {
      mayStand = true;
    },
    async [Symbol.asyncDispose]() {
      if (kept === undefined || mayStand) return;
      try {
        // Also for an asker who has left.
        await datastores.find(datastoreId)?.delete(kept.location, AbortSignal.timeout(DELETION_MS));
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error; // else an object too many is the lesser evil
      }
    },
  };
}
