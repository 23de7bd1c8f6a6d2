import type { Log } from '../telemetry/index.ts';
import type { Bus } from './bus.ts';
import type { Cache, CacheLimits } from './cache.ts';
import type { LeakyBuckets } from './leaky-buckets.ts';
import type { Locks } from './lock.ts';

/** A connection to a Redis, as it is whenever it is looked at. */
export interface RedisConnection {
  readonly name: string;
  /** For what it is: what is asked, or messages of other processes. */
  readonly connection: 'commands' | 'messages';
  readonly isUp: boolean;
}

/** What several processes have together; where there is no Redis, what one process has for itself. */
export interface Cluster extends AsyncDisposable {
  readonly isShared: boolean;
  readonly locks: Locks;
  readonly bus: Bus;
  /** None without Redis. */
  connections(): readonly RedisConnection[];
  /** @param name keeps it apart from other caches: lower-case letters and underscores */
  openCache(name: string, limits: CacheLimits): Cache;
  /** @param maxKeys so many are watched at a time, in each process */
  openBuckets(name: string, maxKeys: number): LeakyBuckets;
}

export interface ClusterParts {
  readonly log: Log;
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}
