import { Unavailable } from '../../matrix/index.ts';
import { waitAtMost } from './patience.ts';

/** Of each part but the last: the least that S3 takes. Ten thousand of them make the largest object, 48 GiB. */
export const PART_BYTES = 5 * 1024 * 1024;

/** How much may be in memory on its way into the bucket: so many parts. More wait until one has arrived. */
export interface PartBuffers {
  /** @throws {Unavailable} when none gets free in time */
  take(signal: AbortSignal): Promise<PartBuffer>;
}

/** Is the next one's when it is disposed. */
export interface PartBuffer extends Disposable {
  /** {@link PART_BYTES} of them, with what the last one has left in it. */
  readonly bytes: Buffer;
}

export function createPartBuffers(count: number, patienceMs: number): PartBuffers {
  let free = count;
  const waiting = new Set<() => void>();

  const giveBack = () => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  };
  /** Used again and again: the collector would let many gather. */
  const idle: Buffer[] = [];
  const asTaken = (): PartBuffer => {
    const bytes = idle.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
    let isTaken = true;
    return {
      bytes,
      [Symbol.dispose]() {
        if (!isTaken) return;
        isTaken = false;
        idle.push(bytes);
        giveBack();
      },
    };
  };

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return asTaken();
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      let isOurs = false;
      const next = () => {
        waiting.delete(next);
        isOurs = true;
        resolve();
      };
      waiting.add(next);
      try {
        await waitAtMost(patienceMs, signal, () => promise);
      } catch (error) {
        waiting.delete(next);
        if (isOurs) giveBack(); // it has come together with the end of the wait
        if (signal.aborted) throw error;
        throw new Unavailable('Too much is being stored at the moment; try again', { cause: error });
      }
      return asTaken();
    },
  };
}
