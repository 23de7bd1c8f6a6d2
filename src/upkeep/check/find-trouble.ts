import type { DescribedObject } from '../../database/index.ts';
import type { Datastore } from '../../datastores/index.ts';
import { readWhole } from '../copy-object.ts';
import { asRead, explain, ReadFailed, readPatiently } from '../object-trouble.ts';

/** What can be wrong with an object. */
export type Trouble =
  | { readonly kind: 'rows without object' }
  | { readonly kind: 'wrong size'; readonly foundBytes: number }
  | { readonly kind: 'wrong hash'; readonly foundSha256: string }
  | { readonly kind: 'unreadable object'; readonly cause: string };

/**
 * What is wrong with an object; `undefined`: nothing.
 * @param due an empty hash fits any
 * @throws {Unavailable} when its datastore as a whole is away
 */
export async function findTrouble(
  datastore: Datastore,
  due: DescribedObject,
  hashes: boolean,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  try {
    return await readPatiently(datastore, signal, () => look(datastore, due, hashes, signal));
  } catch (error) {
    if (!(error instanceof ReadFailed)) throw error;
    return { kind: 'unreadable object', cause: explain(error) };
  }
}

async function look(
  datastore: Datastore,
  due: DescribedObject,
  hashes: boolean,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  await using object = await asRead(() => datastore.open(due.location, signal));
  if (object === undefined) return { kind: 'rows without object' };
  if (object.sizeBytes !== due.size_bytes) return { kind: 'wrong size', foundBytes: object.sizeBytes };
  if (!hashes || due.sha256_hash === '') return undefined;
  const { sha256 } = await readWhole(object, signal, async () => undefined);
  return sha256 === due.sha256_hash ? undefined : { kind: 'wrong hash', foundSha256: sha256 };
}
