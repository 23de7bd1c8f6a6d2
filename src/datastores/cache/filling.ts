import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../../telemetry/index.ts';
import type { KnownContent, Location } from '../datastore.ts';
import { writeAll } from '../file-temporary.ts';
import { printOf } from './copy-print.ts';

/** A copy that is being made beside the reading of an object. Trouble with it is never the reader's: it is just not kept. */
export interface Filling {
  /** In order, one call after the other. */
  write(chunk: Uint8Array): Promise<void>;
  /** Keeps the copy, if it is what the database says. */
  finish(): Promise<void>;
  /** Does nothing once it is finished. */
  abandon(): Promise<void>;
}

export interface FillingParts {
  readonly path: string;
  /** Where the copy belongs. */
  readonly target: string;
  readonly known: KnownContent;
  readonly location: Location;
  readonly log: Log;
  /** @param print of the copy; `undefined`: it is not kept */
  readonly done: (print: string | undefined) => void;
}

export function startFilling({ path, target, known, location, log, done }: FillingParts): Filling {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let isOver = false;
  const opened: Promise<FileHandle | undefined> = openNew(path).catch((error: unknown) => {
    log.warn({ err: error }, 'The object cache cannot be written');
    return undefined;
  });

  const end = async (keep: (handle: FileHandle) => Promise<string>) => {
    if (isOver) return;
    isOver = true;
    let print: string | undefined;
    try {
      const handle = await opened;
      if (handle === undefined) return;
      try {
        print = await keep(handle);
      } finally {
        await handle.close();
        if (print === undefined) await unlink(path);
      }
    } catch (error) {
      if (!(error instanceof NotKept)) log.warn({ err: error }, 'A copy of an object cannot be kept');
    } finally {
      done(print);
    }
  };
  const abandon = () =>
    end(async () => {
      throw new NotKept();
    });

  return {
    abandon,
    async write(chunk) {
      const handle = await opened;
      if (isOver || handle === undefined) return;
      try {
        await writeAll(handle, [chunk]);
        hash.update(chunk);
        sizeBytes += chunk.length;
      } catch (error) {
        log.warn({ err: error }, 'The object cache cannot be written');
        await abandon();
      }
    },
    finish: () =>
      end(async (handle) => {
        if (sizeBytes !== known.sizeBytes || hash.digest('hex') !== known.sha256) {
          log.error({ location }, 'An object has other content than the database says');
          throw new NotKept();
        }
        await handle.datasync(); // a copy of the right size is believed after a crash
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        await rename(path, target);
        return (await printOf(handle)).text;
      }),
  };
}

class NotKept extends Error {}

async function openNew(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }); // somebody may have emptied the cache
  return await open(path, 'w', 0o600);
}
