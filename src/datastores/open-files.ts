import { type FileHandle, open } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';

/** An open file that several readers may share. */
export interface SharedFile {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  /** To be called once by each who has asked for it. */
  release(): void;
}

/**
 * Keeps descriptors of files that are read again and again, so that reading a hot file opens nothing. Files never
 * change once they are in place, which is what makes a kept descriptor right.
 */
export interface OpenFiles {
  /** @throws the file system's error, `ENOENT` for one that is not there */
  acquire(path: string): Promise<SharedFile>;
  /** Forgets a file that is being deleted; readers under way finish undisturbed. */
  forget(path: string): void;
  close(): void;
}

interface Entry {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  /** Readers, and one more while it is in the cache. The last one to go closes the file. */
  holders: number;
}

export function createOpenFiles(maxOpen: number): OpenFiles {
  const letGo = (entry: Entry) => {
    entry.holders -= 1;
    // Nothing was written through this descriptor, so a failing close loses nothing.
    if (entry.holders === 0) void entry.handle.close().catch(() => undefined);
  };
  const entries = new LRUCache<string, Entry>({ max: maxOpen, dispose: letGo });
  const opening = new Map<string, Promise<Entry>>();

  const openOnce = async (path: string): Promise<Entry> => {
    const handle = await open(path, 'r');
    try {
      const entry: Entry = { handle, sizeBytes: (await handle.stat()).size, holders: 1 };
      entries.set(path, entry);
      return entry;
    } catch (error) {
      await handle.close();
      throw error;
    }
  };

  return {
    async acquire(path) {
      let entry = entries.get(path);
      while (entry === undefined || entry.holders === 0) {
        const pending = opening.get(path) ?? openOnce(path).finally(() => opening.delete(path));
        opening.set(path, pending);
        entry = await pending;
      }
      const held = entry;
      held.holders += 1;
      return { handle: held.handle, sizeBytes: held.sizeBytes, release: () => letGo(held) };
    },
    forget: (path) => void entries.delete(path),
    close: () => entries.clear(),
  };
}
