import { hash } from 'node:crypto';
import { type Link, RedisAway } from './link.ts';
import type { Client } from './make-client.ts';

/** All of Redis. Each key lives on one of the shards that are there. */
export interface Shards {
  readonly all: readonly Link[];
  /** Beginning of everything that is ours in there. */
  readonly prefix: string;
  /**
   * @param kind what the key is about, and @param key of any length and with any content: it is hashed, so that Redis
   *   holds no names of users and no addresses
   * @throws {RedisAway}
   */
  run<T>(kind: string, key: string, command: (client: Client, redisKey: string) => Promise<T>): Promise<T>;
  /** As `run`, for several keys that live together because of a tag in braces. */
  runTagged<T>(tag: string, command: (client: Client) => Promise<T>): Promise<T>;
}

export function createShards(all: readonly Link[], prefix: string): Shards {
  const find = (key: string): Link => {
    const link = chooseShard(
      all.filter(({ isUp }) => isUp),
      key,
    );
    if (link === undefined) throw new RedisAway('No Redis is there');
    return link;
  };
  return {
    all,
    prefix,
    async run(kind, key, command) {
      const redisKey = `${prefix}${kind}:{${hash('sha256', key, 'base64url')}}`;
      return await find(redisKey).run((client) => command(client, redisKey));
    },
    runTagged: async (tag, command) => await find(tag).run(command),
  };
}

/** Rendezvous hashing: when a shard goes, only its own keys move. */
export function chooseShard<Shard extends { readonly name: string }>(
  shards: readonly Shard[],
  key: string,
): Shard | undefined {
  const [only] = shards;
  if (shards.length <= 1) return only;
  const weighed = shards.map((shard) => ({ shard, weight: hash('sha1', `${shard.name}\0${key}`, 'hex') }));
  return weighed.reduce((best, next) => (next.weight > best.weight ? next : best)).shard;
}
