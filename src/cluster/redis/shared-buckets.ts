import { hash } from 'node:crypto';
import { type BucketShape, createLeakyBuckets, type LeakyBuckets, type LeakyBucketsParts } from '../leaky-buckets.ts';
import { RedisAway } from './link.ts';
import type { Shards } from './shards.ts';

/** So long it takes until the others know what was poured in here. */
const SETTLE_EVERY_MS = 200;
/** Buckets that are settled in one call, so that Redis does something else in between. */
const BATCH = 200;
/** Keys of one group live on one node of a Redis Cluster. */
const GROUPS = 16;

/**
 * For each key: lets leak what has leaked since, by the clock of Redis, and pours in.
 * @returns the levels, as text
 */
const SETTLE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local levels = {}
for i, key in ipairs(KEYS) do
  local amount, drain = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local known = redis.call('HMGET', key, 'level', 'at')
  local passed = math.max(0, now - (tonumber(known[2]) or now))
  local level = math.max(0, (tonumber(known[1]) or 0) - passed * drain / 1000) + amount
  redis.call('HSET', key, 'level', string.format('%.17g', level), 'at', string.format('%.0f', now))
  local life = 86400000
  if drain > 0 then life = math.min(life, math.ceil(level / drain * 1000) + 1000) end
  redis.call('PEXPIRE', key, string.format('%.0f', life))
  levels[i] = string.format('%.17g', level)
end
return levels`;

interface Poured {
  amount: number;
  readonly shape: BucketShape;
}

export interface SharedBucketsParts extends LeakyBucketsParts {
  readonly shards: Shards;
  /** Keeps these buckets apart from others. */
  readonly name: string;
}

/**
 * Buckets of all processes. Nobody waits for Redis: each process decides by what it knows, and a moment later tells Redis
 * what it has let in and hears what the others have. So much as comes within that moment, a client can get too much.
 */
export function createSharedBuckets({ shards, name, now, maxKeys }: SharedBucketsParts): LeakyBuckets & Disposable {
  const own = createLeakyBuckets({ now, maxKeys });
  let unsettled = new Map<string, Poured>();
  let timer: NodeJS.Timeout | undefined;

  const settle = async () => {
    const poured = unsettled;
    unsettled = new Map();
    timer = undefined;
    const groups = Map.groupBy(poured, ([key]) => groupOf(key));
    await Promise.all(
      [...groups].flatMap(([group, entries]) => inBatches(entries).map((each) => settleBatch(group, each))),
    );
  };
  const settleBatch = async (group: number, entries: readonly (readonly [string, Poured])[]) => {
    const tag = `${shards.prefix}bucket:${name}:{${group}}`;
    const keys = entries.map(([key]) => `${tag}:${hash('sha256', key, 'base64url')}`);
    const values = entries.flatMap(([, { amount, shape }]) => [amount, shape.drainPerSecond]);
    try {
      const levels = await shards.runTagged(tag, (client) => client.eval(SETTLE, keys.length, ...keys, ...values));
      if (!Array.isArray(levels)) return;
      for (const [index, [key, { shape }]] of entries.entries()) {
        own.raise(key, Number(levels[index]) + (unsettled.get(key)?.amount ?? 0), shape);
      }
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error; // then each process counts for itself
    }
  };

  return {
    pour(key, amount, shape) {
      const poured = own.pour(key, amount, shape);
      if (poured.isTaken) {
        const before = unsettled.get(key);
        if (before !== undefined) before.amount += amount;
        else if (unsettled.size < maxKeys) unsettled.set(key, { amount, shape });
        timer ??= setTimeout(() => void settle(), SETTLE_EVERY_MS).unref();
      }
      return poured;
    },
    raise: own.raise,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

function groupOf(key: string): number {
  let sum = 0;
  for (let i = 0; i < key.length; i += 1) sum = (sum * 31 + key.charCodeAt(i)) >>> 0;
  return sum % GROUPS;
}

function inBatches<T>(items: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < items.length; at += BATCH) batches.push(items.slice(at, at + BATCH));
  return batches;
}
