import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../telemetry/index.ts';
import type { KnownContent, Location } from '../datastore.ts';
import { createOpenFiles, type SharedFile } from '../open-files.ts';
import { hashOfFile, printOf, touchCopy } from './copy-print.ts';
import { type Filling, startFilling } from './filling.ts';

/**
 * Copies of objects on a local disk. Nothing in it is needed: a copy that is gone, or has been changed by somebody, is as if it
 * had never been there, so the folder may be emptied at any time. It survives a restart: what an earlier process has left is
 * read and hashed when it is used for the first time.
 */
export interface ObjectCache {
  /** Release it. `undefined`: there is no copy, or none that can be read. */
  open(location: Location, known: KnownContent): Promise<SharedFile | undefined>;
  /** `undefined`: somebody is at it, it is too large, or the disk does not want to. Finish or abandon what you get. */
  fill(location: Location, known: KnownContent): Promise<Filling | undefined>;
  /** Also what is being filled. */
  forget(location: Location): Promise<void>;
  /** Resolves when what an earlier process has left is known. */
  readonly loaded: Promise<void>;
  /** Leaves no folder without a copy in it: each command that opens the datastores would leave one more. */
  close(): Promise<void>;
}

export interface ObjectCacheParts {
  /** Of this process and datastore alone. */
  readonly path: string;
  readonly maxBytes: number;
  readonly now: () => number;
  readonly log: Log;
}

interface Copy {
  readonly sizeBytes: number;
  /** When its file was last told that it is in use. */
  touchedMs: number;
  /** What its file looks like as long as nobody changes it; `undefined`: this process has not looked at it. */
  print: Promise<string | undefined>;
}

const MAX_OPEN_FILES = 128;
const TOUCH_EVERY_MS = 600_000;
/** What is being filled may take as much of the bound; a single copy no more than a half of that. */
const SHARE_OF_FILLING = 1 / 4;
const FILLING_FOLDER = 'filling';
/** What a small file takes of a disk. */
const BLOCK_BYTES = 4096;

export async function openObjectCache({ path, maxBytes, now, log }: ObjectCacheParts): Promise<ObjectCache> {
  const filling = join(path, FILLING_FOLDER);
  await rm(filling, { recursive: true, force: true });
  await mkdir(filling, { recursive: true, mode: 0o700 });
  const files = createOpenFiles(MAX_OPEN_FILES);
  const pathOf = (name: string) => join(path, name.slice(0, 2), name);
  const drop = async (name: string) => {
    files.forget(pathOf(name));
    await unlink(pathOf(name)).catch(() => undefined); // gone already, or a disk in trouble: nothing depends on it
  };
  const copies = new LRUCache<string, Copy>({
    maxSize: Math.max(1, Math.floor(maxBytes * (1 - SHARE_OF_FILLING))),
    sizeCalculation: ({ sizeBytes }) => Math.max(BLOCK_BYTES, sizeBytes),
    dispose: (_copy, name, reason) => {
      if (reason !== 'set') void drop(name);
    },
  });
  const fillings = new Map<string, Filling>();
  let fillingBytes = 0;

  const use = (name: string) => {
    const copy = copies.get(name);
    if (copy === undefined || now() - copy.touchedMs < TOUCH_EVERY_MS) return;
    copy.touchedMs = now();
    copy.print = touchCopy(pathOf(name), now());
  };

  const verifyOnce = async (name: string, { handle }: SharedFile, { sizeBytes, sha256 }: KnownContent) => {
    const { text } = await printOf(handle);
    if ((await hashOfFile(handle)) !== sha256 || (await printOf(handle)).text !== text) return false;
    const touchedMs = copies.get(name)?.touchedMs ?? now();
    copies.set(name, { sizeBytes, touchedMs, print: Promise.resolve(text) });
    return true;
  };
  const verifying = new Map<string, Promise<boolean>>();
  const verify = (name: string, file: SharedFile, known: KnownContent): Promise<boolean> => {
    const key = `${name} ${known.sha256}`;
    const pending = verifying.get(key) ?? verifyOnce(name, file, known).finally(() => verifying.delete(key));
    verifying.set(key, pending);
    return pending;
  };
  const isRight = async (name: string, file: SharedFile, known: KnownContent): Promise<boolean> => {
    const before = await copies.get(name)?.print;
    const found = await printOf(file.handle);
    const after = await copies.get(name)?.print; // we may have touched it in between
    if (found.sizeBytes === known.sizeBytes) {
      if (before === undefined && after === undefined) return await verify(name, file, known);
      if (found.text === before || found.text === after) return true;
    }
    if (!found.isGone)
      log.warn({ location: pathOf(name) }, 'A copy in the object cache was changed, and is thrown away');
    return false;
  };

  return {
    loaded: load(path, copies).catch((error: unknown) => {
      log.warn({ err: error, path }, 'What is in the object cache cannot be listed');
    }),
    async open(location, known) {
      const name = nameOf(location);
      const file = await files.acquire(pathOf(name)).catch(() => undefined); // not there, or as good as not there
      if (file === undefined) {
        copies.delete(name);
        return undefined;
      }
      if (await isRight(name, file, known).catch(() => false)) {
        use(name);
        return file;
      }
      file.release();
      copies.delete(name);
      await drop(name);
      return undefined;
    },
    async fill(location, known) {
      const name = nameOf(location);
      const share = maxBytes * SHARE_OF_FILLING;
      if (fillings.has(name) || known.sizeBytes > share / 2 || fillingBytes + known.sizeBytes > share) return undefined;
      fillingBytes += known.sizeBytes;
      const done = (print: string | undefined) => {
        fillingBytes -= known.sizeBytes;
        fillings.delete(name);
        if (print === undefined) return;
        copies.set(name, { sizeBytes: known.sizeBytes, touchedMs: now(), print: Promise.resolve(print) });
      };
      const started = startFilling({ path: join(filling, name), target: pathOf(name), known, location, log, done });
      fillings.set(name, started);
      return started;
    },
    async forget(location) {
      const name = nameOf(location);
      await fillings.get(name)?.abandon();
      copies.delete(name);
      await drop(name);
    },
    async close() {
      files.close();
      for (const folder of [filling, path]) await rmdir(folder).catch(() => undefined); // something is in it
    },
  };
}

function nameOf(location: Location): string {
  return createHash('sha256').update(location).digest('hex');
}

/** The ones that were used last stay longest. */
async function load(path: string, copies: LRUCache<string, Copy>): Promise<void> {
  const found: { readonly name: string; readonly sizeBytes: number; readonly usedMs: number }[] = [];
  for (const folder of (await readdir(path)).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
    for (const name of await readdir(join(path, folder))) {
      const { size, mtimeMs } = await stat(join(path, folder, name));
      found.push({ name, sizeBytes: size, usedMs: mtimeMs });
    }
  }
  const usedMeanwhile = [...copies.keys()].reverse();
  found.sort((one, other) => one.usedMs - other.usedMs);
  for (const { name, sizeBytes, usedMs } of found) {
    if (!copies.has(name)) {
      copies.set(name, { sizeBytes, touchedMs: usedMs, print: Promise.resolve(undefined) });
    }
  }
  for (const name of usedMeanwhile) copies.get(name);
}
