import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { type DatastoreConfig, readS3Options, type S3Options } from '../config/index.ts';
import { InternalError, Unavailable } from '../matrix/index.ts';
import type { Counts, Log } from '../telemetry/index.ts';
import { withObjectCache } from './cache/cached-datastore.ts';
import { openObjectCache } from './cache/object-cache.ts';
import type { Datastore, Kind } from './datastore.ts';
import { openFileDatastore } from './file-datastore.ts';
import { createFillLevels } from './fill-levels.ts';
import { findSamePlaces } from './same-places.ts';

/** All datastores of the configuration, found by the ID that stands in the database. */
export interface Datastores extends AsyncDisposable {
  /** `undefined`: not configured, or of a type that this version does not open. */
  find(id: string): Datastore | undefined;
  /**
   * The one that takes new objects of this kind, out of those that the request's domain offers. Of several it is the one
   * that holds least, by a measurement that may be a little old; of equals, the first in the order of the configuration.
   * @throws {InternalError} when there is none
   */
  choose(kind: Kind, offered: readonly DatastoreConfig[]): Datastore;
  all(): Iterable<Datastore>;
  /** The IDs of the others that keep their objects at the very same place: what is deleted of one is gone from all. */
  sharing(id: string): readonly string[];
}

export interface DatastoresParts {
  readonly machineId: number;
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
  readonly counts?: Pick<Counts, 's3Asked'> | undefined;
  /** How many bytes each datastore holds; one that is not named holds nothing. */
  readonly measure: () => Promise<ReadonlyMap<string, number>>;
}

export async function openDatastores(
  configured: readonly DatastoreConfig[],
  parts: DatastoresParts,
): Promise<Datastores> {
  const byId = new Map<string, Datastore>();
  for (const one of configured) byId.set(one.id, await openDatastore(one, parts));
  const fill = createFillLevels(parts);
  const samePlaces = await findSamePlaces(configured);
  return {
    find: (id) => byId.get(id),
    choose(kind, offered) {
      const takers = offered.filter(({ forKinds }) => forKinds.includes(kind) || forKinds.includes('all'));
      const chosen = takers.length > 1 ? fill.leastFilled(takers.map(({ id }) => id)) : takers[0]?.id;
      const datastore = chosen === undefined ? undefined : byId.get(chosen);
      if (datastore === undefined) {
        throw new InternalError({ cause: new Error(`No datastore that can be written to takes ${kind}`) });
      }
      return datastore;
    },
    all: () => byId.values(),
    sharing: (id) => samePlaces.get(id) ?? [],
    async [Symbol.asyncDispose]() {
      for (const datastore of byId.values()) await datastore[Symbol.asyncDispose]();
    },
  };
}

async function openDatastore({ id, type, opts }: DatastoreConfig, parts: DatastoresParts): Promise<Datastore> {
  switch (type) {
    case 'file': {
      const { path = '', publicBaseUrl = '' } = opts;
      return await openFileDatastore({ ...parts, id, path, publicBaseUrl });
    }
    case 's3': {
      const { openS3Datastore } = await import('./s3/s3-datastore.ts');
      const options = readS3Options(opts);
      const bucket = await openS3Datastore({ ...parts, id, options });
      return options.cachePath === '' ? bucket : withObjectCache(bucket, await openCopies(id, options, parts));
    }
  }
}

/** Processes that share a configuration, and datastores that share a folder, each count their own copies. */
async function openCopies(id: string, { cachePath, cacheMaxBytes }: S3Options, parts: DatastoresParts) {
  const folder = `${parts.machineId}-${createHash('sha256').update(id).digest('hex').slice(0, 16)}`;
  const { now, log } = parts;
  try {
    return await openObjectCache({ path: join(resolve(cachePath), folder), maxBytes: cacheMaxBytes, now, log });
  } catch (cause) {
    throw new Unavailable(`Datastore "${id}": the cache in ${cachePath} cannot be made or written`, { cause });
  }
}
