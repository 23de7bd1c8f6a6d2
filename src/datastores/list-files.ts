import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable } from '../matrix/index.ts';
import type { ListedObject, UnreadableEntry } from './datastore.ts';
import { asDatastoreError, hasCode } from './file-errors.ts';

/** So many files of a folder are looked at at once. */
const AT_ONCE = 64;

/**
 * All regular files below a folder, in the order of their locations; one folder's names are in memory at a time, and those
 * of the folders above it.
 * @param after only what comes behind this location
 * @param skipped a folder at the top that is left out
 * @throws {Unavailable} when not even the root can be read
 */
export async function* listFiles(
  root: string,
  after: string,
  skipped: string,
  signal: AbortSignal,
): AsyncGenerator<ListedObject | UnreadableEntry> {
  yield* listBelow(root, '', after, skipped, signal);
}

async function* listBelow(
  root: string,
  prefix: string,
  after: string,
  skipped: string,
  signal: AbortSignal,
): AsyncGenerator<ListedObject | UnreadableEntry> {
  const found = await readFolder(root, prefix);
  if ('cause' in found) {
    if (prefix > after) yield found; // else it has been told
    return;
  }
  const entries = found
    .filter((entry) => entry.isDirectory() || entry.isFile())
    // The slash counts: "a-b" comes before "a/b".
    .map((entry) => ({
      isFolder: entry.isDirectory(),
      location: prefix + entry.name + (entry.isDirectory() ? '/' : ''),
    }))
    .filter(({ isFolder, location }) => location > after || (isFolder && after.startsWith(location)))
    .filter(({ location }) => location !== `${skipped}/`)
    .sort((one, other) => (one.location < other.location ? -1 : 1));
  for (let start = 0; start < entries.length; start += AT_ONCE) {
    const some = entries.slice(start, start + AT_ONCE);
    signal.throwIfAborted();
    const looked = await Promise.all(
      some.map(async (entry) => (entry.isFolder ? entry : lookAt(root, entry.location))),
    );
    for (const found of looked) {
      if (found === undefined) continue; // deleted meanwhile
      if ('isFolder' in found) yield* listBelow(root, found.location, after, skipped, signal);
      else yield found;
    }
  }
}

/** Has every disk of its own, for the administrator alone. */
const OF_THE_DISK = 'lost+found/';

/** @throws {Unavailable} when it is the root that cannot be read */
async function readFolder(root: string, prefix: string): Promise<Dirent[] | UnreadableEntry> {
  try {
    return await readdir(join(root, prefix), { withFileTypes: true });
  } catch (cause) {
    if (prefix === '')
      throw hasCode(cause, 'ENOENT') ? new Unavailable('The folder is gone', { cause }) : asDatastoreError(cause);
    if (hasCode(cause, 'ENOENT') || (prefix === OF_THE_DISK && hasCode(cause, 'EACCES'))) return [];
    return { location: prefix, cause };
  }
}

async function lookAt(root: string, location: string): Promise<ListedObject | UnreadableEntry | undefined> {
  try {
    const { size, mtimeMs } = await lstat(join(root, location));
    return { location, sizeBytes: size, modifiedTs: Math.floor(mtimeMs) };
  } catch (error) {
    return hasCode(error, 'ENOENT') ? undefined : { location, cause: error };
  }
}
