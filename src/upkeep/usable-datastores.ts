import type { UpkeepParts } from './upkeep-parts.ts';

/** The IDs of the datastores that can be written now. What lies in others is left for another time. */
export async function findUsableDatastores(
  { datastores, log }: Pick<UpkeepParts, 'datastores' | 'log'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const usable: string[] = [];
  for (const datastore of datastores.all()) {
    try {
      await datastore.checkHealth(signal);
      usable.push(datastore.id);
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, datastore: datastore.id }, 'A datastore is left out, because it cannot be used now');
    }
  }
  return usable;
}
