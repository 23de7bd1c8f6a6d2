import type { Readable } from 'node:stream';

/** The first bytes of a body that is not yet read, which stay in it; `undefined` when none come, for whatever reason. */
export async function peek(body: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const first = body.read() as Buffer | null; // it is no stream of objects
    if (first !== null) {
      body.unshift(first);
      return first;
    }
    if (body.readableEnded || body.destroyed) return undefined;
    await untilReadable(body);
  }
}

async function untilReadable(body: Readable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ['readable', 'end', 'close', 'error'];
  for (const event of events) body.once(event, resolve);
  await promise;
  for (const event of events) body.off(event, resolve);
}
