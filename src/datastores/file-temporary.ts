import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Temporary } from './datastore.ts';
import { asDatastoreError, hasCode } from './file-errors.ts';
import type { FolderSync } from './folder-sync.ts';

/** As MMR lays objects out: two levels of two characters, then the rest of the name. */
function locationOf(objectName: string): string {
  return `${objectName.slice(0, 2)}/${objectName.slice(2, 4)}/${objectName.slice(4)}`;
}

export interface TemporaryPlace {
  /** Of the datastore, absolute. */
  readonly root: string;
  /** Where the temporary lies until it is kept: absolute, on the same file system as `root`. */
  readonly path: string;
  /** The object's name when it is kept. */
  readonly objectName: string;
  /** Of `root`. */
  readonly folders: FolderSync;
  /** @throws {Unavailable} when `root` is gone, or another folder: nothing is made in the place where its disk should be */
  readonly confirmRoot: () => Promise<void>;
}

export async function createFileTemporary(place: TemporaryPlace): Promise<Temporary> {
  const handle = await openNew(place);
  /** Where the file is now; `undefined`: it is an object, and no business of ours. */
  let path: string | undefined = place.path;
  let isOpen = true;
  return {
    async write(chunks) {
      try {
        await writeAll(handle, chunks);
      } catch (error) {
        throw asDatastoreError(error);
      }
    },
    async read(into, position) {
      return (await handle.read(into, 0, into.length, position)).bytesRead;
    },
    async keep() {
      const location = locationOf(place.objectName);
      const target = join(place.root, location);
      try {
        await move(place.path, target);
        path = target;
        // All at once: the disk writes them in one go. Nobody knows of the object before all are done.
        await Promise.all([handle.sync(), place.folders.sync(dirname(target))]);
        path = undefined;
      } catch (error) {
        throw asDatastoreError(error);
      }
      return location;
    },
    async [Symbol.asyncDispose]() {
      if (isOpen) await handle.close();
      isOpen = false;
      if (path === undefined) return;
      await unlink(path).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw asDatastoreError(error);
      });
    },
  };
}

async function openNew({ path, confirmRoot }: TemporaryPlace): Promise<FileHandle> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;
  try {
    return await open(path, flags, 0o644).catch(async (error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
      await confirmRoot();
      await mkdir(dirname(path), { recursive: true }); // somebody has tidied up below us
      return await open(path, flags, 0o644);
    });
  } catch (error) {
    throw asDatastoreError(error);
  }
}

/** Most objects come into a folder that is there already, once there are many. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  });
}

/** A full disk may take a part of what it is given and say so only the next time. */
export async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let { bytesWritten } = await handle.writev(chunks);
  if (bytesWritten === wanted) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let done = 0; done < rest.length; done += bytesWritten) {
    ({ bytesWritten } = await handle.write(rest, done));
  }
}
