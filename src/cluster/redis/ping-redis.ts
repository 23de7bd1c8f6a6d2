import { once } from 'node:events';
import { listPlaces } from './make-client.ts';
import type { RedisOptions } from './redis-options.ts';

export interface PingedRedis {
  /** As the configuration calls it. */
  readonly name: string;
  /** `undefined`: it answers, and knows us. */
  readonly trouble: string | undefined;
}

/** Asks each Redis whether it is there, as the service would. @throws when a file that `tls` names cannot be read */
export async function pingRedis(options: RedisOptions, timeoutMs: number): Promise<readonly PingedRedis[]> {
  const places = await listPlaces(options);
  return await Promise.all(
    places.map(async ({ name, connect }) => {
      const client = connect();
      try {
        await once(client, 'ready', { signal: AbortSignal.timeout(timeoutMs) });
        await client.ping();
        return { name, trouble: undefined };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { name, trouble: error instanceof DOMException || reason === '' ? 'it does not answer' : reason };
      } finally {
        client.on('error', () => undefined); // of a connection that nobody waits for any more
        client.disconnect();
      }
    }),
  );
}
