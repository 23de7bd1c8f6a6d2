import { setImmediate } from 'node:timers/promises';

const NOTHING = new Uint8Array(0);

/**
 * The chunks, and an empty one wherever the next is not at hand: now is the time to deal with those that have come.
 * Whoever leaves does not wait for the next one; what stops its coming is up to the caller.
 */
export async function* tellPauses(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = chunks.next();
      const isAtHand = await Promise.race([next.then(() => true), setImmediate(false)]);
      if (!isAtHand) yield NOTHING;
      const { done, value } = await next;
      if (done) return;
      yield value;
    }
  } finally {
    chunks.return?.().catch(() => undefined); // told to whoever reads, and nobody does any more
  }
}
