import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ClusterParts } from '../cluster.ts';
import { createLocks } from '../lock.ts';
import { openLink } from './link.ts';
import { listPlaces } from './make-client.ts';
import { createRedisBus } from './redis-bus.ts';
import { createRedisCache } from './redis-cache.ts';
import { createRedisLocks } from './redis-locks.ts';
import type { RedisOptions } from './redis-options.ts';
import { createShards } from './shards.ts';
import { createSharedBuckets } from './shared-buckets.ts';

/** After so long the lock of a process that has died is free. */
const LOCK_LIFETIME_MS = 10_000;

export async function openRedisCluster(options: RedisOptions, parts: ClusterParts): Promise<Cluster> {
  const { log, now, random } = parts;
  const { keyPrefix, databaseNumber, timeoutMs } = options;
  await using stack = new AsyncDisposableStack();
  const places = await listPlaces(options);
  const links = places.map((place) =>
    stack.use(openLink(place, { log, now, timeoutMs, probeKey: `${keyPrefix}probe` })),
  );
  const shards = createShards(links, keyPrefix);
  const bus = stack.use(createRedisBus({ places, links, channel: `${keyPrefix}bus:${databaseNumber}`, now }));
  const locks = createRedisLocks({ shards, own: createLocks(), log, random, lifetimeMs: LOCK_LIFETIME_MS });
  const patience = new AbortController();
  const isLate = sleep(timeoutMs, undefined, { signal: patience.signal }).catch(() => undefined);
  await Promise.race([Promise.all([bus.listening, ...links.map(({ settled }) => settled)]), isLate]);
  patience.abort();
  const opened = stack.move();
  return {
    isShared: true,
    locks,
    bus,
    connections: () => [
      ...links.map(({ name, isUp }) => ({ name, connection: 'commands' as const, isUp })),
      ...bus.ears(),
    ],
    openCache: (name, limits) => createRedisCache(shards, name, limits, now),
    openBuckets: (name, maxKeys) => opened.use(createSharedBuckets({ shards, name, now, maxKeys })),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
