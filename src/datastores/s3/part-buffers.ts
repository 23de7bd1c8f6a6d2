import { Unavailable } from '../../matrix/index.ts';
import { waitAtMost } from './patience.ts';

/** Of each part but the last: the least that S3 takes. Ten thousand of them make the largest object, 48 GiB. */
export const PART_BYTES = 5 * 1024 * 1024;

/** How much may be in memory on its way into the bucket: so many parts. More wait until one has arrived. */
export interface PartBuffers {
  /**
   * To be filled at the pace of whoever sends, however slow; `undefined`: there is none to spare. A quarter of all is kept
   * for parts that are whole and can be sent.
   */
  takeToFill(): PartBuffer | undefined;
  /** For a part that is whole: to be given back when it has arrived. @throws {Unavailable} when none gets free in time */
  take(signal: AbortSignal): Promise<PartBuffer>;
}

/** Is the next one's when it is disposed. */
export interface PartBuffer extends Disposable {
  /** {@link PART_BYTES} of them, with what the last one has left in it. */
  readonly bytes: Buffer;
}

export function createPartBuffers(count: number, patienceMs: number): PartBuffers {
  let free = count;
  let leftToFill = count - Math.ceil(count / 4);
  const waiting = new Set<() => void>();

  const giveBack = () => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  };
  /** Used again and again: the collector would let many gather. */
  const idle: Buffer[] = [];
  const asTaken = (onReturn: () => void = () => undefined): PartBuffer => {
    const bytes = idle.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES);
    let isTaken = true;
    return {
      bytes,
      [Symbol.dispose]() {
        if (!isTaken) return;
        isTaken = false;
        idle.push(bytes);
        onReturn();
        giveBack();
      },
    };
  };

  return {
    takeToFill() {
      if (free === 0 || leftToFill === 0) return undefined;
      free -= 1;
      leftToFill -= 1;
      return asTaken(() => {
        leftToFill += 1;
      });
    },
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
