import { LRUCache } from 'lru-cache';

/** How a bucket takes what is poured into it, in units of the caller's choice. */
export interface BucketShape {
  readonly capacity: number;
  /** How far the last amount that still fits in may reach above the capacity. */
  readonly overflow: number;
  readonly drainPerSecond: number;
}

export interface Poured {
  readonly isTaken: boolean;
  /** What still fits below the capacity, 0 or more. */
  readonly left: number;
  /** Milliseconds until the same amount would be taken; 0 when it was. `Infinity`: never. */
  readonly retryAfterMs: number;
}

/**
 * Buckets that leak, one for each key. Those that nobody pours into are empty after a while and cost nothing; of more
 * than `maxKeys`, the ones that were not used for longest are forgotten.
 */
export interface LeakyBuckets {
  /**
   * Takes the amount when it fits: the bucket is not above its capacity yet, and would not be above capacity and
   * overflow. An empty bucket takes any amount, so that nothing is refused for ever for being large.
   */
  pour(key: string, amount: number, shape: BucketShape): Poured;
  /** Somebody else has poured as well: the bucket is at least this full. */
  raise(key: string, level: number, shape: BucketShape): void;
}

export interface LeakyBucketsParts {
  readonly now: () => number;
  readonly maxKeys: number;
}

interface Bucket {
  level: number;
  atMs: number;
}

export function createLeakyBuckets({ now, maxKeys }: LeakyBucketsParts): LeakyBuckets {
  const buckets = new LRUCache<string, Bucket>({ maxSize: maxKeys, sizeCalculation: () => 1 });
  const levelOf = (key: string, atMs: number, { drainPerSecond }: BucketShape): number => {
    const bucket = buckets.get(key) ?? { level: 0, atMs };
    const seconds = Math.max(0, atMs - bucket.atMs) / 1000;
    return Math.max(0, bucket.level - seconds * drainPerSecond);
  };
  return {
    pour(key, amount, shape) {
      const atMs = now();
      const level = levelOf(key, atMs, shape);
      const isTaken = level <= 0 || fitsIn(level, amount, shape);
      buckets.set(key, { level: isTaken ? level + amount : level, atMs });
      const left = Math.max(0, shape.capacity - level - (isTaken ? amount : 0));
      return { isTaken, left, retryAfterMs: isTaken ? 0 : retryAfterMs(level, amount, shape) };
    },
    raise(key, level, shape) {
      const atMs = now();
      if (level > levelOf(key, atMs, shape)) buckets.set(key, { level, atMs });
    },
  };
}

function fitsIn(level: number, amount: number, { capacity, overflow }: BucketShape): boolean {
  return level <= capacity && level + amount <= capacity + overflow;
}

function retryAfterMs(level: number, amount: number, { capacity, overflow, drainPerSecond }: BucketShape): number {
  const wanted = Math.max(0, Math.min(capacity, capacity + overflow - amount));
  return Math.ceil(((level - wanted) / drainPerSecond) * 1000);
}
