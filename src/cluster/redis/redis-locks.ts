import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../telemetry/index.ts';
import type { Locks } from '../lock.ts';
import { RedisAway } from './link.ts';
import type { Shards } from './shards.ts';

/** Of their lifetime, after which locks are renewed. */
const RENEW_AFTER = 0.3;
const SHORTEST_PAUSE_MS = 15;
const LONGEST_PAUSE_MS = 60;

/**
 * Takes the lock when it is free, or when the holder is this process: within it there is one holder at a time, so that is
 * what was left by one whose answer never came.
 * @returns 1: it is ours; 0: somebody else has it
 */
const CLAIM = `
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and string.sub(holder, 1, string.len(ARGV[2])) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

/** @returns 1: still ours, if need be again, because Redis has forgotten everything; 0: somebody else's */
const RENEW = `
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'holder', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`;

const RELEASE = `if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

export interface RedisLocksParts {
  readonly shards: Shards;
  /** Those of this process: they are taken first, and are enough while Redis is away. */
  readonly own: Locks;
  readonly log: Log;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** After so long the lock of a process that has died is free. */
  readonly lifetimeMs: number;
}

/**
 * Locks of all processes. While Redis is away they exclude within one process only: what must never happen twice is made
 * sure of by the database.
 */
export function createRedisLocks({ shards, own, log, random, lifetimeMs }: RedisLocksParts): Locks {
  const processName = `${randomUUID()}:`;
  let count = 0;

  const claim = async (name: string): Promise<{ readonly holder: string } | 'taken' | 'away'> => {
    const holder = `${processName}${++count}`;
    try {
      const answer = await shards.run('lock', name, (client, key) =>
        client.eval(CLAIM, 1, key, holder, processName, lifetimeMs),
      );
      return answer === 1 ? { holder } : 'taken';
    } catch (error) {
      if (error instanceof RedisAway) return 'away';
      throw error;
    }
  };

  /** @returns how the lock goes from here on: `undefined` while nobody can say */
  const renew = async (name: string, holder: string): Promise<'ours' | 'lost' | undefined> => {
    try {
      const answer = await shards.run('lock', name, (client, key) => client.eval(RENEW, 1, key, holder, lifetimeMs));
      return answer === 1 ? 'ours' : 'lost';
    } catch (error) {
      if (error instanceof RedisAway) return undefined;
      throw error;
    }
  };

  const hold = (name: string, holder: string, turn: AsyncDisposable): AsyncDisposable => {
    const timer = setInterval(async () => {
      if ((await renew(name, holder)) !== 'lost') return;
      clearInterval(timer);
      log.warn('Another process has taken a lock of this one, which did not renew it in time');
    }, lifetimeMs * RENEW_AFTER);
    timer.unref();
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(timer);
        try {
          await shards.run('lock', name, (client, key) => client.eval(RELEASE, 1, key, holder));
        } catch (error) {
          if (!(error instanceof RedisAway)) throw error; // it will be free when its time is up
        } finally {
          await turn[Symbol.asyncDispose]();
        }
      },
    };
  };

  return {
    async acquire(name, signal) {
      const turn = await own.acquire(name, signal);
      try {
        for (;;) {
          const claimed = await claim(name);
          if (claimed === 'away') return turn;
          if (claimed !== 'taken') return hold(name, claimed.holder, turn);
          signal.throwIfAborted();
          const pauseMs = SHORTEST_PAUSE_MS + random() * (LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS);
          await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
        }
      } catch (error) {
        await turn[Symbol.asyncDispose]();
        throw error;
      }
    },
    async tryAcquire(name) {
      const turn = await own.tryAcquire(name);
      if (turn === undefined) return undefined;
      try {
        const claimed = await claim(name);
        if (claimed === 'away') return turn;
        if (claimed !== 'taken') return hold(name, claimed.holder, turn);
      } catch (error) {
        await turn[Symbol.asyncDispose]();
        throw error;
      }
      await turn[Symbol.asyncDispose]();
      return undefined;
    },
  };
}
