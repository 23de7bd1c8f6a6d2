import { access, constants, mkdir, unlink } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Datastore, StoredObject } from './datastore.ts';
import { asDatastoreError, hasCode } from './file-errors.ts';
import { objectOfFile } from './file-object.ts';
import { createFileTemporary } from './file-temporary.ts';
import { rememberFolder } from './folder-identity.ts';
import { createFolderSync } from './folder-sync.ts';
import { listFiles } from './list-files.ts';
import { createOpenFiles } from './open-files.ts';
import { redirectBelow } from './redirects.ts';
import { sweepTemporaries, temporaryName } from './temporaries.ts';

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
const MAX_OPEN_FILES = 512;
const PREFIX_LENGTH = 4;
const OBJECTS_IN_A_ROW = 256;

/** Objects as plain files below one folder, in MMR's layout: `AA/BB/rest-of-the-name`. */
export async function openFileDatastore(parts: FileDatastoreParts): Promise<Datastore> {
  const root = resolve(parts.path);
  const temporaries = join(root, TEMPORARY_FOLDER);
  await mkdir(temporaries, { recursive: true }).catch((error: unknown) => {
    throw new Unavailable(`Datastore "${parts.id}": the folder ${root} cannot be made or written`, { cause: error });
  });
  await sweepTemporaries(temporaries, '', parts);
  const folder = await rememberFolder(root, temporaries);
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

  const open = async (location: string, signal: AbortSignal): Promise<StoredObject | undefined> => {
    signal.throwIfAborted();
    try {
      const file = await openFiles.acquire(pathOf(location));
      return objectOfFile(file, redirectBelow(parts.publicBaseUrl, location, true));
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw asDatastoreError(error);
      await folder.confirm();
      return undefined;
    }
  };

  return {
    id: parts.id,

    async createTemporary(_contentType, signal) {
      signal.throwIfAborted();
      const uniqueId = nextUniqueId();
      return await createFileTemporary({
        root,
        path: join(temporaries, temporaryName('', parts.machineId, uniqueId)),
        objectName: uniqueId + NAME_SUFFIX,
        folders,
        confirmRoot: folder.confirm,
      });
    },

    async open(location, signal) {
      const path = pathOf(location);
      // A file that is kept open can be read long after it has been lost.
      if (!(await isThere(path))) openFiles.forget(path);
      return await open(location, signal);
    },
    openKnown: (location, _known, signal) => open(location, signal),

    async delete(location, signal) {
      signal.throwIfAborted();
      const path = pathOf(location);
      openFiles.forget(path);
      await unlink(path).catch(async (error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw asDatastoreError(error);
        await folder.confirm();
      });
    },

    async *list(after, signal) {
      await folder.confirm();
      yield* listFiles(root, after, TEMPORARY_FOLDER, signal);
    },

    async checkHealth(signal) {
      signal.throwIfAborted();
      await access(temporaries, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
        throw new Unavailable('The folder cannot be read and written', { cause: error });
      });
      await folder.confirm();
    },

    async [Symbol.asyncDispose]() {
      openFiles.close();
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    (error: unknown) => !hasCode(error, 'ENOENT'), // all other trouble shows when it is opened
  );
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
