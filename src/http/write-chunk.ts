import type { ServerResponse } from 'node:http';
import { ClientLeft } from './errors.ts';

/**
 * Resolves when the socket has taken the chunk: its memory is used again for the next one.
 * @throws {ClientLeft} Node does not always call back then; the signal tells it in any case
 */
export async function writeChunk(raw: ServerResponse, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: taken, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    raw.write(chunk, (error) => (error ? reject(new ClientLeft()) : resolve())); // may throw: more than was announced
    await taken;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
