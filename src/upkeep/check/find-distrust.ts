import { findDescribedObjects, findReferenced } from '../../database/index.ts';
import type { Datastore, ListedObject } from '../../datastores/index.ts';
import { NAME_SUFFIX } from './check-objects.ts';
import type { CheckOptions, CheckParts } from './check-parts.ts';
import { findTrouble } from './find-trouble.ts';

const SAMPLE = 200;
/** Of fewer, one that is known is enough. */
const FEW = 20;

/**
 * Looks at some objects and some rows before anything is repaired: a disk that is not mounted, another installation's
 * bucket or an empty database would make all of them look like remains.
 * @returns what makes one doubt that database and datastore belong together; `undefined`: nothing
 * @throws {Unavailable}
 */
export async function findDistrust(
  parts: CheckParts,
  options: CheckOptions,
  datastore: Datastore,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { db } = parts.database;
  await datastore.checkHealth(signal);
  const objects: ListedObject[] = [];
  for await (const object of datastore.list('', signal)) {
    if (!('cause' in object) && object.location.endsWith(NAME_SUFFIX)) objects.push(object);
    if (objects.length === SAMPLE) break;
  }
  const locations = objects.map(({ location }) => location);
  const known = new Set<string>();
  for (const id of [datastore.id, ...(options.sharedWith.get(datastore.id) ?? [])]) {
    for (const location of await findReferenced(db, id, locations)) known.add(location);
  }
  if (isDoubtful(known.size, objects.length)) {
    return `of ${objects.length} objects the database knows ${known.size}. Is it the database of these objects?`;
  }
  const rows = await findDescribedObjects(db, 'media', datastore.id, '', SAMPLE);
  let there = 0;
  for (const row of rows) {
    if ((await findTrouble(datastore, row, false, signal))?.kind !== 'rows without object') there += 1;
  }
  if (!isDoubtful(there, rows.length)) return undefined;
  return `of ${rows.length} objects of the database ${there} are there. Is its disk mounted?`;
}

function isDoubtful(good: number, all: number): boolean {
  return all > 0 && (good === 0 || (all >= FEW && good * 2 < all));
}
