import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes new names in folders durable. Those who ask for the same folder at the same time share one call; a call that
 * has begun is not shared, because it may have missed the newest name.
 */
export interface FolderSync {
  /** @param path of a folder below `root`: its names, and where it may be new the name of the folder itself */
  sync(path: string): Promise<void>;
}

/** @param root exists and is durable itself */
export function createFolderSync(root: string): FolderSync {
  const running = new Map<string, Promise<void>>();
  const queued = new Map<string, Promise<void>>();
  /** Folders whose own names are known to be durable: two levels of 256 names each, at the most. */
  const known = new Set([root]);

  const run = async (path: string) => {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };

  const syncNames = (path: string): Promise<void> => {
    const waiting = queued.get(path);
    if (waiting !== undefined) return waiting;
    const before = running.get(path) ?? Promise.resolve();
    const synced = before
      .catch(() => undefined) // was told to those who asked for that one
      .then(() => {
        queued.delete(path);
        running.set(path, synced);
        return run(path);
      })
      .finally(() => {
        if (running.get(path) === synced) running.delete(path);
      });
    queued.set(path, synced);
    return synced;
  };

  const sync = async (path: string): Promise<void> => {
    if (known.has(path)) {
      await syncNames(path);
      return;
    }
    await Promise.all([syncNames(path), sync(dirname(path))]);
    known.add(path);
  };
  return { sync };
}
