import { type FileHandle, lstat, mkdtempDisposable, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredObject } from '../../datastores/index.ts';
import { Unavailable } from '../../matrix/index.ts';
import type { Log } from '../../telemetry/index.ts';

/** Media that can be read, wherever it lies. */
export type MediaSource = Pick<StoredObject, 'sizeBytes' | 'read'>;

/** A folder with nothing in it but the media. Disposing it removes it. */
export interface SourceFolder extends AsyncDisposable {
  readonly path: string;
}

/** What the names of the folders begin with. */
const PREFIX = 'vitrine-source-';
/** No work on a media takes as long. */
const ABANDONED_AFTER_MS = 3_600_000;

/** The name of the media in its folder; its own name tells programs nothing. */
export const SOURCE_NAME = 'source';

/** @throws {Unavailable} when there is no room; what reading the media throws, the signal's reason included */
export async function openSourceFolder(
  tempPath: string,
  source: MediaSource,
  signal: AbortSignal,
): Promise<SourceFolder> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await orUnavailable(mkdtempDisposable(join(tempPath, PREFIX))));
  await using file = await orUnavailable(open(join(folder.path, SOURCE_NAME), 'wx', 0o400));
  await copy(source, file, signal);
  const parts = stack.move();
  return { path: folder.path, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** One chunk after the other: their memory is used again. */
async function copy(source: MediaSource, file: FileHandle, signal: AbortSignal): Promise<void> {
  for await (const chunk of source.read({ start: 0, end: source.sizeBytes - 1 }, signal)) {
    signal.throwIfAborted();
    await orUnavailable(file.writeFile(chunk));
  }
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new Unavailable('The server has no room to work on this media; try again', { cause: error });
  }
}

/**
 * Removes what processes have left behind that were killed, and tells when no folders can be made there.
 * @param now milliseconds since 1970
 */
export async function removeAbandonedFolders(tempPath: string, now: () => number, log: Log): Promise<void> {
  try {
    for (const name of await readdir(tempPath)) {
      if (!name.startsWith(PREFIX)) continue;
      const path = join(tempPath, name);
      const modifiedMs = await lstat(path).then((found) => found.mtimeMs, now); // gone by now: somebody else is at it
      if (now() - modifiedMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
    }
  } catch (error) {
    log.warn({ err: error, tempPath }, 'The folder for copies of media that is worked on is in trouble');
  }
}
