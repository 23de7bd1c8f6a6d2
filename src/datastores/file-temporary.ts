import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import type { Temporary } from './datastore.ts';
import { asDatastoreError, hasCode } from './file-errors.ts';

/** As MMR lays objects out: two levels of two characters, then the rest of the name. */
function locationOf(objectName: string): string {
  return `${objectName.slice(0, 2)}/${objectName.slice(2, 4)}/${objectName.slice(4)}`;
}

const WRITE_BUFFER_BYTES = 256 * 1024;

export interface TemporaryPlace {
  /** Of the datastore, absolute. */
  readonly root: string;
  /** Where the temporary lies until it is kept: absolute, on the same file system as `root`. */
  readonly path: string;
  /** The object's name when it is kept. */
  readonly objectName: string;
}

export async function createFileTemporary(place: TemporaryPlace): Promise<Temporary> {
  const handle = await openNew(place.path);
  const writable = writeTo(handle);
  let state: 'open' | 'closed' | 'kept' = 'open';
  const close = async () => {
    if (state === 'open') await handle.close();
    state = 'closed';
  };
  return {
    writable,
    async keep() {
      const location = locationOf(place.objectName);
      const target = join(place.root, location);
      try {
        await handle.sync();
        await close();
        const firstCreated = await mkdir(dirname(target), { recursive: true });
        await rename(place.path, target);
        state = 'kept';
        await syncFolders(dirname(target), firstCreated === undefined ? dirname(target) : dirname(firstCreated));
      } catch (error) {
        throw asDatastoreError(error);
      }
      return location;
    },
    async [Symbol.asyncDispose]() {
      if (state === 'kept') return;
      writable.destroy();
      await close();
      await unlink(place.path).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw asDatastoreError(error);
      });
    },
  };
}

async function openNew(path: string): Promise<FileHandle> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
  try {
    return await open(path, flags, 0o644).catch(async (error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
      await mkdir(dirname(path), { recursive: true }); // somebody has tidied up below us
      return await open(path, flags, 0o644);
    });
  } catch (error) {
    throw asDatastoreError(error);
  }
}

/** Appends to the file and leaves it open; whoever pipes into it gets the datastore's error, not the disk's. */
function writeTo(handle: FileHandle): Writable {
  const settle = (written: Promise<unknown>, callback: (error?: Error | null) => void) =>
    written.then(
      () => callback(),
      (error: unknown) => callback(asDatastoreError(error) as Error), // the file system rejects with errors only
    );
  return new Writable({
    highWaterMark: WRITE_BUFFER_BYTES,
    write: (chunk: Buffer, _encoding, callback) => void settle(writeAll(handle, [chunk]), callback),
    writev: (chunks, callback) =>
      void settle(
        writeAll(
          handle,
          chunks.map(({ chunk }) => chunk),
        ),
        callback,
      ),
  });
}

/** A full disk may take a part of what it is given and say so only the next time. */
async function writeAll(handle: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  const wanted = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let { bytesWritten } = await handle.writev(chunks);
  if (bytesWritten === wanted) return;
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let done = 0; done < rest.length; done += bytesWritten) {
    ({ bytesWritten } = await handle.write(rest, done));
  }
}

/** Makes new names durable: from the deepest folder up to the one in which the first new folder was made. */
async function syncFolders(deepest: string, highest: string): Promise<void> {
  for (let folder = deepest; ; folder = dirname(folder)) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (folder === highest || folder === dirname(folder)) return;
  }
}
