import { createBus } from './bus.ts';
import { type Cache, createCache } from './cache.ts';
import type { Cluster, ClusterParts } from './cluster.ts';
import { createLeakyBuckets } from './leaky-buckets.ts';
import { createLocks } from './lock.ts';

/** Of this process alone. */
export function createOwnCluster({ now }: Pick<ClusterParts, 'now'>): Cluster {
  const caches = new Map<string, Cache>();
  return {
    isShared: false,
    locks: createLocks(),
    bus: createBus(),
    connections: () => [],
    openCache(name, limits) {
      const cache = caches.get(name) ?? createCache(limits, now);
      caches.set(name, cache);
      return cache;
    },
    openBuckets: (_name, maxKeys) => createLeakyBuckets({ now, maxKeys }),
    async [Symbol.asyncDispose]() {},
  };
}
