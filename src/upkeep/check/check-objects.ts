import { findReferenced } from '../../database/index.ts';
import type { Datastore, ListedObject, UnreadableEntry } from '../../datastores/index.ts';
import { explain } from '../object-trouble.ts';
import { deleteUnreferenced } from '../stored-content.ts';
import type { CheckedPage, CheckOptions, CheckParts } from './check-parts.ts';
import type { Finding, ToldFinding } from './finding.ts';

type Listed = ListedObject | UnreadableEntry;

const PAGE = 500;
const AT_ONCE = 32;
/** Ends the names of what matrix-media-repo and Vitrine store. Whatever else lies there may be somebody's. */
export const NAME_SUFFIX = 'idv2fmt';

/** Looks for a row for each object of a datastore, page by page. */
export async function* checkObjects(
  parts: CheckParts,
  options: CheckOptions,
  datastore: Datastore,
  after: string,
  signal: AbortSignal,
): AsyncGenerator<CheckedPage> {
  let page: Listed[] = [];
  for await (const object of datastore.list(after, signal)) {
    page.push(object);
    if (page.length < PAGE) continue;
    yield await checkPage(parts, options, datastore, page, signal);
    page = [];
  }
  if (page.length > 0) yield await checkPage(parts, options, datastore, page, signal);
}

async function checkPage(
  parts: CheckParts,
  options: CheckOptions,
  datastore: Datastore,
  page: readonly Listed[],
  signal: AbortSignal,
): Promise<CheckedPage> {
  const unreadable = page.filter((entry) => 'cause' in entry);
  if (unreadable.length > 0) await datastore.checkHealth(signal); // else it is no wonder
  const objects = page.filter((entry) => 'sizeBytes' in entry);
  const locations = objects.map(({ location }) => location);
  const referenced = new Set<string>();
  for (const id of [datastore.id, ...(options.sharedWith.get(datastore.id) ?? [])]) {
    for (const location of await findReferenced(parts.database.db, id, locations)) referenced.add(location);
  }
  const alone = objects.filter(({ location }) => !referenced.has(location));
  const old = alone.filter(({ modifiedTs }) => parts.now() - modifiedTs >= options.minAgeMs);
  const left = await findLeft(datastore, old, signal);
  const findings: ToldFinding[] = unreadable.map(({ location, cause }) => {
    const told = { kind: 'unreadable entry', cause: explain(cause) } as const;
    return { ...told, datastore_id: datastore.id, location, repair: undefined };
  });
  for (const { location, sizeBytes, modifiedTs } of left) {
    const kind = location.endsWith(NAME_SUFFIX) ? 'object without rows' : 'unknown file';
    const finding: Finding = { kind, datastore_id: datastore.id, location, sizeBytes, modifiedTs };
    findings.push({ ...finding, repair: options.repair ? await repairLone(parts, finding, signal) : undefined });
  }
  return {
    after: page.at(-1)?.location ?? '',
    totals: {
      objects: objects.length,
      objectBytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      young: alone.length - old.length,
    },
    findings,
  };
}

/** Those that are still there: a transfer may have moved one, and the rows with it, since it was listed. */
async function findLeft(
  datastore: Datastore,
  listed: readonly ListedObject[],
  signal: AbortSignal,
): Promise<readonly ListedObject[]> {
  const left: ListedObject[] = [];
  for (let start = 0; start < listed.length; start += AT_ONCE) {
    const some = listed.slice(start, start + AT_ONCE);
    const areThere = await Promise.all(some.map(({ location }) => isThere(datastore, location, signal)));
    left.push(...some.filter((_, index) => areThere[index]));
  }
  return left;
}

async function isThere(datastore: Datastore, location: string, signal: AbortSignal): Promise<boolean> {
  try {
    await using object = await datastore.open(location, signal);
    return object !== undefined;
  } catch {
    signal.throwIfAborted();
    return true; // only one that is known to be gone is not told
  }
}

/** Nothing can come to point at it any more: new rows name new objects, or those that other rows name. */
async function repairLone(parts: CheckParts, finding: Finding, signal: AbortSignal): Promise<string | undefined> {
  if (finding.kind !== 'object without rows') return undefined;
  return (await deleteUnreferenced(parts, finding, signal)) ? 'deleted' : undefined;
}
