import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DatastoreConfig } from '../config/index.ts';

/**
 * Which others keep their objects at the very same place, by ID: one folder or one bucket under several IDs, as after a change
 * of an ID, or with a file for each domain. An object of one of them is an object of all.
 */
export async function findSamePlaces(
  configured: readonly DatastoreConfig[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const places = new Map<string, string>();
  for (const one of configured) places.set(one.id, await placeOf(one));
  const idsAt = Map.groupBy(places.keys(), (id) => places.get(id));
  return new Map([...places].map(([id, place]) => [id, (idsAt.get(place) ?? []).filter((other) => other !== id)]));
}

async function placeOf({ type, opts }: DatastoreConfig): Promise<string> {
  const { path = '', endpoint = '', bucketName = '' } = opts;
  if (type === 's3') return `s3://${endpoint.toLowerCase()}/${bucketName}`;
  return await realpath(path).catch(() => resolve(path));
}
