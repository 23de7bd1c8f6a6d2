import { type Cache, type CacheLimits, createCache } from '../cache.ts';
import { RedisAway } from './link.ts';
import type { Shards } from './shards.ts';

/** @param name keeps its keys apart from those of other caches */
export function createRedisCache(shards: Shards, name: string, limits: CacheLimits, now: () => number): Cache {
  const own = createCache(limits, now);
  const kind = `cache:${name}`;
  /** What is asked of this process alone while Redis is away. */
  const orOwn = async <T>(asked: Promise<T>, askOwn: () => Promise<T>): Promise<T> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof RedisAway) return await askOwn();
      throw error;
    }
  };
  const drop = async (key: string) => void (await shards.run(kind, key, (client, redisKey) => client.del(redisKey)));
  return {
    get: (key) =>
      orOwn(
        shards.run(kind, key, async (client, redisKey) => (await client.getBuffer(redisKey)) ?? undefined),
        () => own.get(key),
      ),
    async set(key, value, ttlMs) {
      await own.delete(key); // left from when Redis was away
      const isKept = ttlMs > 0 && value.length <= limits.maxValueBytes;
      await orOwn(
        isKept
          ? shards.run(kind, key, async (client, redisKey) => {
              await client.set(redisKey, Buffer.from(value), 'PX', Math.ceil(ttlMs));
            })
          : drop(key),
        () => own.set(key, value, ttlMs),
      );
    },
    async delete(key) {
      await own.delete(key);
      await orOwn(drop(key), async () => undefined);
    },
  };
}
