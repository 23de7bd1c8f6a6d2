import { Stalled } from '../matrix/index.ts';

/** An upload has to bring more than that in each period in which it is waited for. */
const MIN_BYTES_IN_PERIOD = 16 * 1024;

/**
 * Ends a body of which too little comes, so that nobody can hold many connections open with little effort. Only the time
 * in which a chunk is waited for counts: while a slow disk takes one, the client is not to blame.
 * @param now in milliseconds, from a clock that nobody sets
 * @throws {Stalled}
 */
export async function* refuseStalled(
  body: AsyncIterable<Uint8Array>,
  periodMs: number,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let waitedMs = 0;
  let bytes = 0;
  try {
    for (;;) {
      const startMs = now();
      const { done, value } = await within(chunks.next(), periodMs - waitedMs);
      if (done === true) return;
      waitedMs += now() - startMs;
      bytes += value.length;
      if (bytes >= MIN_BYTES_IN_PERIOD) {
        waitedMs = 0;
        bytes = 0;
      }
      yield value;
    }
  } finally {
    void chunks.return?.().catch(() => undefined); // what broke has been told already
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Stalled()), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
