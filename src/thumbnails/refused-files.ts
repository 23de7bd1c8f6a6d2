import { LRUCache } from 'lru-cache';
import { BadRequest, TooLarge } from '../matrix/index.ts';

/** Files that could not be decoded of late, so that nobody has them tried again and again: each try can cost a worker. */
export interface RefusedFiles {
  /**
   * @param key of the file and what was tried with it
   * @throws what `work` throws, and for a while what it threw the last time when that was the file's own fault
   */
  attempt<T>(key: string, work: () => Promise<T>): Promise<T>;
}

const MAX_FILES = 10_000;
const REMEMBERED_MS = 600_000;

/** @param now milliseconds since 1970 */
export function createRefusedFiles({ now }: { readonly now: () => number }): RefusedFiles {
  const refused = new LRUCache<string, BadRequest | TooLarge>({
    maxSize: MAX_FILES,
    sizeCalculation: () => 1,
    ttl: REMEMBERED_MS,
    ttlResolution: 0,
    perf: { now },
  });
  return {
    async attempt(key, work) {
      const earlier = refused.get(key);
      if (earlier !== undefined) throw earlier;
      try {
        return await work();
      } catch (error) {
        if (error instanceof BadRequest || error instanceof TooLarge) refused.set(key, error);
        throw error;
      }
    },
  };
}
