/**
 * How much of what comes in may wait in memory for the disk. Uploads share it: one that is alone is written in few large
 * pieces, which costs least, and of many each gets so little that all together stay within the bound.
 */
export interface ReceiveBuffers {
  /** Takes part until disposed. */
  join(): ReceiveBuffer;
}

export interface ReceiveBuffer extends Disposable {
  /** Of now: less when others join, more when they have left. */
  readonly maxBytes: number;
}

/** For all together. As much again is being written meanwhile. */
const TOTAL_BYTES = 16 * 1024 * 1024;
/** For each: larger pieces are not written any faster, smaller ones cost more than they save. */
const MAX_BYTES = 1024 * 1024;
const MIN_BYTES = 16 * 1024;

export function createReceiveBuffers(): ReceiveBuffers {
  let members = 0;
  return {
    join() {
      members += 1;
      let isMember = true;
      return {
        get maxBytes() {
          return Math.min(MAX_BYTES, Math.max(MIN_BYTES, Math.floor(TOTAL_BYTES / members)));
        },
        [Symbol.dispose]() {
          if (isMember) members -= 1;
          isMember = false;
        },
      };
    },
  };
}
