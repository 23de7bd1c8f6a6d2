import type { Readable } from 'node:stream';

/** How a body has come to its end: all of it was read, or its connection broke, or was let go for others. */
export type BodyEnd = 'over' | 'broken' | 'let go';

const LOOK_EVERY_MS = 1_000;
/** Whoever does not ask for more for so long can as well wait for a new connection. */
const LET_GO_MS = 5_000;

/**
 * Reads at the pace of the reader, and destroys the body in any case. The memory of a chunk is taken away when the next one is
 * asked for.
 * @param timeoutMs for each piece; a body that brings nothing for longer counts as broken
 * @param count told the size of each chunk before it is handed over
 * @throws the signal's reason only
 */
export async function* readBody(
  body: Readable,
  timeoutMs: number,
  signal: AbortSignal,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, BodyEnd> {
  /** Milliseconds for which we have been waiting, or for which nobody has asked; counted, so that a machine that was asleep does not matter. */
  let waitedMs = 0;
  let isWanted = true;
  let end: BodyEnd = 'over';
  const stop = (how: BodyEnd) => {
    end = how;
    body.destroy(new Error('Nobody waits for the rest'));
  };
  const watch = setInterval(() => {
    waitedMs += LOOK_EVERY_MS;
    if (isWanted && waitedMs >= timeoutMs) stop('broken');
    if (!isWanted && waitedMs >= LET_GO_MS) stop('let go');
  }, LOOK_EVERY_MS);
  const leave = () => stop('broken');
  signal.addEventListener('abort', leave, { once: true });
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      signal.throwIfAborted();
      count(chunk.length);
      [isWanted, waitedMs] = [false, 0];
      yield chunk;
      release(chunk);
      [isWanted, waitedMs] = [true, 0];
    }
    return end;
  } catch {
    signal.throwIfAborted();
    return end === 'over' ? 'broken' : end;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', leave);
    body.destroy();
  }
}

/** The collector would let tens of megabytes gather, and then take a quarter of the time. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
