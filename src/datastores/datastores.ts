import type { DatastoreConfig } from '../config/index.ts';
import { InternalError } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Datastore, Kind } from './datastore.ts';
import { openFileDatastore } from './file-datastore.ts';

/** All datastores of the configuration, found by the ID that stands in the database. */
export interface Datastores extends AsyncDisposable {
  /** `undefined`: not configured, or of a type that this version does not open. */
  find(id: string): Datastore | undefined;
  /**
   * The one that takes new objects of this kind, out of those that the request's domain offers: the first in the order
   * of the configuration. @throws {InternalError} when there is none
   */
  choose(kind: Kind, offered: readonly DatastoreConfig[]): Datastore;
  all(): Iterable<Datastore>;
}

export interface DatastoresParts {
  readonly machineId: number;
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
}

export async function openDatastores(
  configured: readonly DatastoreConfig[],
  parts: DatastoresParts,
): Promise<Datastores> {
  const byId = new Map<string, Datastore>();
  for (const { id, type, opts } of configured) {
    if (type !== 'file') continue;
    const { path = '', publicBaseUrl = '' } = opts;
    byId.set(id, await openFileDatastore({ ...parts, id, path, publicBaseUrl }));
  }
  return {
    find: (id) => byId.get(id),
    choose(kind, offered) {
      const takers = offered.filter(({ forKinds }) => forKinds.includes(kind) || forKinds.includes('all'));
      const datastore = takers.map(({ id }) => byId.get(id)).find((found) => found !== undefined);
      if (datastore === undefined) {
        throw new InternalError({ cause: new Error(`No datastore that can be written to takes ${kind}`) });
      }
      return datastore;
    },
    all: () => byId.values(),
    async [Symbol.asyncDispose]() {
      for (const datastore of byId.values()) await datastore[Symbol.asyncDispose]();
    },
  };
}
