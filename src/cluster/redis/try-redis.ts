import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Client, listPlaces } from './make-client.ts';
import type { RedisOptions } from './redis-options.ts';

export interface TriedRedis {
  /** As the configuration calls it. */
  readonly name: string;
  /** `undefined`: it answers, and does for us what the service needs. */
  readonly trouble: string | undefined;
  /** It has a limit of memory, and refuses what is new once that is full. */
  readonly willRefuse: boolean;
}

const KEPT_MS = 10_000;

/** Has each Redis do what the service would ask of it. @throws when a file that `tls` names cannot be read */
export async function tryRedis(options: RedisOptions, timeoutMs: number): Promise<readonly TriedRedis[]> {
  const places = await listPlaces(options);
  return await Promise.all(
    places.map(async ({ name, connect }) => {
      const client = connect();
      try {
        await once(client, 'ready', { signal: AbortSignal.timeout(timeoutMs) });
        client.on('error', () => undefined); // what is asked after it fails, too
        const willRefuse = await refusesWhenFull(client);
        await tryOut(client, `${options.keyPrefix}doctor:{${randomUUID()}}`);
        return { name, trouble: undefined, willRefuse };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const trouble = error instanceof DOMException || reason === '' ? 'it does not answer' : reason;
        return { name, trouble, willRefuse: false };
      } finally {
        client.on('error', () => undefined); // of a connection that nobody waits for any more
        client.disconnect();
      }
    }),
  );
}

/** As locks, caches and messages do, with names of their own. */
async function tryOut(client: Client, name: string): Promise<void> {
  await client.set(name, '', 'PX', KEPT_MS);
  await client.eval("return redis.call('DEL', KEYS[1])", 1, name);
  await client.publish(name, '');
  await client.subscribe(name);
}

async function refusesWhenFull(client: Client): Promise<boolean> {
  const said = await client.info('memory').catch(() => ''); // not everybody may ask
  return /^maxmemory:[1-9]/m.test(said) && /^maxmemory_policy:noeviction\r?$/m.test(said);
}
