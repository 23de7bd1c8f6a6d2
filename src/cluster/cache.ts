import { LRUCache } from 'lru-cache';

/** Values that are worth keeping for a while, and that may be gone at any time. Shared by all processes, where it can be. */
export interface Cache {
  /** @returns a copy of what was set; `undefined`: not there, or nobody can say */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Never fails. @param ttlMs 0 or less: forgets the key. A value that is larger than the limit is not kept. */
  set(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface CacheLimits {
  readonly maxValueBytes: number;
  /** Of all values together, in this process. What Redis may take is set there. */
  readonly maxBytes: number;
}

/** What an entry takes beside key and value, more or less. */
const ENTRY_BYTES = 100;

/** Within this process; what was not used for longest goes first. */
export function createCache({ maxValueBytes, maxBytes }: CacheLimits, now: () => number): Cache {
  const values = new LRUCache<string, Uint8Array>({
    maxSize: maxBytes,
    sizeCalculation: (value, key) => value.length + key.length + ENTRY_BYTES,
    ttlResolution: 0,
    perf: { now },
  });
  return {
    async get(key) {
      const value = values.get(key);
      return value && Uint8Array.from(value);
    },
    async set(key, value, ttlMs) {
      values.delete(key);
      if (ttlMs > 0 && value.length <= maxValueBytes) values.set(key, Uint8Array.from(value), { ttl: ttlMs });
    },
    async delete(key) {
      values.delete(key);
    },
  };
}
