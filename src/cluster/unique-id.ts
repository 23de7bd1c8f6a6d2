import { createHash, randomBytes } from 'node:crypto';

export interface UniqueIdParts {
  /** Names this process among those that share a database: 0–1023. */
  readonly machineId: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random?: (bytes: number) => Uint8Array;
}

/** 2010-11-04T01:42:54.657Z, where the snowflakes of MMR begin to count. */
const SNOWFLAKE_EPOCH_MS = 1_288_834_974_657;
const STEPS_PER_MS = 4096;

/**
 * Makes IDs as MMR does: 40 hexadecimal digits of 32 random bytes, then a decimal snowflake (41 bits of milliseconds,
 * 10 of machine, 12 of sequence). 59 characters of `0-9a-f`, unguessable, never made twice; used for media IDs and,
 * with a suffix, for the names of stored objects.
 */
export function createUniqueIds(parts: UniqueIdParts): () => string {
  const random = parts.random ?? randomBytes;
  let lastMs = 0;
  let step = 0;
  return () => {
    // A clock that jumps back must not make a snowflake twice: time only moves on, borrowed from the future if need be.
    const ms = Math.max(parts.now() - SNOWFLAKE_EPOCH_MS, lastMs);
    step = ms === lastMs ? step + 1 : 0;
    lastMs = step === STEPS_PER_MS ? ms + 1 : ms;
    step %= STEPS_PER_MS;
    const snowflake = (BigInt(lastMs) << 22n) | (BigInt(parts.machineId) << 12n) | BigInt(step);
    return createHash('sha1').update(random(32)).digest('hex') + snowflake.toString();
  };
}
