import type { Cluster, ClusterParts } from './cluster.ts';
import { createOwnCluster } from './own-cluster.ts';
import type { PingedRedis } from './redis/ping-redis.ts';
import type { RedisOptions } from './redis/redis-options.ts';

/**
 * Waits for Redis no longer than for one answer: without it, the service starts all the same.
 * @param redis `undefined`: there is none
 * @throws when a file that `tls` names cannot be read
 */
export async function openCluster(redis: RedisOptions | undefined, parts: ClusterParts): Promise<Cluster> {
  if (redis === undefined) return createOwnCluster(parts);
  const { openRedisCluster } = await import('./redis/open-redis-cluster.ts');
  return await openRedisCluster(redis, parts);
}

/** Whether each Redis is there and lets us in. @throws when a file that `tls` names cannot be read */
export async function lookAtRedis(redis: RedisOptions, timeoutMs: number): Promise<readonly PingedRedis[]> {
  const { pingRedis } = await import('./redis/ping-redis.ts');
  return await pingRedis(redis, timeoutMs);
}
