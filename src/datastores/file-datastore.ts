import { access, constants, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { ByteRange, Datastore, StoredObject } from './datastore.ts';
import { asDatastoreError, hasCode } from './file-errors.ts';
import { createFileTemporary } from './file-temporary.ts';
import { createFolderSync } from './folder-sync.ts';
import { listFiles } from './list-files.ts';
import { createOpenFiles, type SharedFile } from './open-files.ts';

export interface FileDatastoreParts {
  readonly id: string;
  /** The folder; made when it is not there. */
  readonly path: string;
  /** Clients get objects from this URL followed by the location. Empty: from here only. */
  readonly publicBaseUrl: string;
  /** Temporaries carry it, so that a process sweeps its own and no other's. */
  readonly machineId: number;
  /** 59 characters, never the same twice. */
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
}

/** Ends every object's name; MMR marks its second naming scheme with it. */
const NAME_SUFFIX = 'idv2fmt';
const TEMPORARY_FOLDER = '.vitrine-tmp';
const ABANDONED_AFTER_MS = 24 * 3_600_000;
const MAX_OPEN_FILES = 512;
const CHUNK_BYTES = 256 * 1024;
const PREFIX_LENGTH = 4;
const OBJECTS_IN_A_ROW = 256;

/** Objects as plain files below one folder, in MMR's layout: `AA/BB/rest-of-the-name`. */
export async function openFileDatastore(parts: FileDatastoreParts): Promise<Datastore> {
  const root = resolve(parts.path);
  const temporaries = join(root, TEMPORARY_FOLDER);
  await mkdir(temporaries, { recursive: true }).catch((error: unknown) => {
    throw new Unavailable(`Datastore "${parts.id}": the folder ${root} cannot be made or written`, { cause: error });
  });
  await sweep(temporaries, parts);
  const openFiles = createOpenFiles(MAX_OPEN_FILES);
  const folders = createFolderSync(root);
  const nextUniqueId = shareFolders(parts.newUniqueId);

  const pathOf = (location: string): string => {
    const path = resolve(root, location);
    if (!path.startsWith(root + sep) || location.includes('\0')) {
      throw new Error(`The location ${JSON.stringify(location)} lies outside of datastore "${parts.id}"`);
    }
    return path;
  };

  return {
    id: parts.id,

    async createTemporary(signal) {
      signal.throwIfAborted();
      const uniqueId = nextUniqueId();
      return await createFileTemporary({
        root,
        path: join(temporaries, `${parts.machineId}-${uniqueId}`),
        objectName: uniqueId + NAME_SUFFIX,
        folders,
      });
    },

    async open(location, signal) {
      signal.throwIfAborted();
      try {
        const publicUrl = parts.publicBaseUrl === '' ? undefined : parts.publicBaseUrl + location;
        return asStoredObject(await openFiles.acquire(pathOf(location)), publicUrl);
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined;
        throw asDatastoreError(error);
      }
    },

    async delete(location, signal) {
      signal.throwIfAborted();
      const path = pathOf(location);
      openFiles.forget(path);
      await unlink(path).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw asDatastoreError(error);
      });
    },

    list: (after, signal) => listFiles(root, after, TEMPORARY_FOLDER, signal),

    async checkHealth(signal) {
      signal.throwIfAborted();
      await access(temporaries, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
        throw new Unavailable('The folder cannot be read and written', { cause: error });
      });
    },

    async [Symbol.asyncDispose]() {
      openFiles.close();
    },
  };
}

/**
 * The first four characters of an ID name its folders. Many objects in a row get the same ones: folders that are there
 * need not be made, and one call makes the names of all that are kept at the same time durable.
 */
function shareFolders(newUniqueId: () => string): () => string {
  let prefix = '';
  let left = 0;
  return () => {
    const uniqueId = newUniqueId();
    if (left === 0) {
      prefix = uniqueId.slice(0, PREFIX_LENGTH);
      left = OBJECTS_IN_A_ROW;
    }
    left -= 1;
    return prefix + uniqueId.slice(PREFIX_LENGTH);
  };
}

/** Removes what uploads left behind that a crash broke off: our own at once, another process's when it is long dead. */
async function sweep(folder: string, parts: FileDatastoreParts): Promise<void> {
  let removed = 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const isOurs = name.startsWith(`${parts.machineId}-`);
    const modifiedMs = await stat(path).then((found) => found.mtimeMs, parts.now);
    if (!isOurs && parts.now() - modifiedMs < ABANDONED_AFTER_MS) continue;
    await unlink(path).then(
      () => (removed += 1),
      (error: unknown) => parts.log.warn({ err: error, path }, 'A left-over temporary cannot be removed'),
    );
  }
  if (removed > 0) parts.log.info({ datastore: parts.id, removed }, 'Removed temporaries of interrupted uploads');
}

function asStoredObject(file: SharedFile, publicUrl: string | undefined): StoredObject {
  let isReleased = false;
  return {
    sizeBytes: file.sizeBytes,
    publicUrl,
    read: (range, signal) => readChunks(file, range, signal),
    async [Symbol.asyncDispose]() {
      if (!isReleased) file.release();
      isReleased = true;
    },
  };
}

async function* readChunks(file: SharedFile, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const length = range.end - range.start + 1;
  const buffer = Buffer.allocUnsafeSlow(Math.min(length, CHUNK_BYTES));
  for (let position = range.start; position <= range.end; ) {
    signal.throwIfAborted();
    const wanted = Math.min(buffer.length, range.end - position + 1);
    const { bytesRead } = await file.handle.read(buffer, 0, wanted, position);
    if (bytesRead === 0) throw new Error(`The file ends at byte ${position}, before the range does`);
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
