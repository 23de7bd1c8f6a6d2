import type { Cluster, ClusterParts } from './cluster.ts';
import { createOwnCluster } from './own-cluster.ts';
import type { RedisOptions } from './redis/redis-options.ts';
import type { TriedRedis } from './redis/try-redis.ts';

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

/** Whether each Redis is there, and does what it will be asked for. @throws when a file that `tls` names cannot be read */
export async function lookAtRedis(redis: RedisOptions, timeoutMs: number): Promise<readonly TriedRedis[]> {
  const { tryRedis } = await import('./redis/try-redis.ts');
  return await tryRedis(redis, timeoutMs);
}
