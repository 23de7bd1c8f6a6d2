import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { createSingleFlight } from '../cluster/index.ts';
import { type ServerName, Unavailable } from '../matrix/index.ts';
import { createKeyFetcher, type KeyFetcherParts } from './fetch-keys.ts';
import type { KeyId } from './key-id.ts';
import { halfOfValidity, type ServerKeys } from './server-keys.ts';

/** The keys of other servers: fetched when one is needed, remembered in this process. */
export interface RemoteKeys {
  /**
   * A key with which the server may sign requests now. `undefined` when it has no such key, or when neither the server nor
   * a notary could be asked; the log says why.
   * @throws {Unavailable} when too many servers are being asked @throws the signal's reason when it aborts first
   */
  find(serverName: ServerName, keyId: KeyId, signal: AbortSignal): Promise<KeyObject | undefined>;
}

export interface RemoteKeysParts extends KeyFetcherParts {
  /** Whose keys are remembered; the one that was not asked for longest is forgotten. */
  readonly maxServers?: number;
}

const MAX_SERVERS = 10_000;
/** Strangers choose the names, so there is an end to it. */
const MAX_ASKED_AT_ONCE = 1000;
/** So long a server is not asked again: not for a key that it does not have, nor when it is in trouble. */
const PAUSE_MS = 60_000;

interface Known extends ServerKeys {
  /** From then on they are fetched again, while they still count. */
  readonly refreshTs: number;
}

export function createRemoteKeys(parts: RemoteKeysParts): RemoteKeys & Disposable {
  const { log, now, maxServers: max = MAX_SERVERS } = parts;
  const known = new LRUCache<ServerName, Known>({ maxSize: max, sizeCalculation: () => 1 });
  /** Apart from the keys, so that names which somebody makes up push no keys out. */
  const pausedUntilTs = new LRUCache<ServerName, number>({ maxSize: max, sizeCalculation: () => 1 });
  const fetchKeys = createKeyFetcher(parts);
  const share = createSingleFlight<void>();
  const closing = new AbortController();
  let askedAtOnce = 0;

  const keysIn = (serverName: ServerName): Known | undefined => {
    const keys = known.get(serverName);
    return keys !== undefined && now() < keys.validUntilTs ? keys : undefined;
  };

  const refresh = async (serverName: ServerName, signal: AbortSignal): Promise<void> => {
    if (askedAtOnce >= MAX_ASKED_AT_ONCE) throw new Unavailable('Too many servers are being asked for keys; try again');
    askedAtOnce += 1;
    try {
      const keys = await fetchKeys(serverName, signal);
      if (keys !== undefined) known.set(serverName, { ...keys, refreshTs: halfOfValidity(keys, now()) });
      pausedUntilTs.set(serverName, now() + PAUSE_MS);
    } finally {
      askedAtOnce -= 1;
    }
  };

  const refreshInBackground = (serverName: ServerName): void => {
    share(serverName, closing.signal, (shared) => refresh(serverName, shared)).catch((error: unknown) => {
      if (!closing.signal.aborted) log.warn({ err: error, serverName }, 'The keys of a server were not fetched again');
    });
  };

  return {
    async find(serverName, keyId, signal) {
      signal.throwIfAborted();
      const keys = keysIn(serverName);
      const key = keys?.verifyKeys.get(keyId);
      const mayAsk = now() >= (pausedUntilTs.get(serverName) ?? 0);
      if (keys !== undefined && key !== undefined) {
        if (mayAsk && now() >= keys.refreshTs) refreshInBackground(serverName);
        return key;
      }
      if (!mayAsk) return undefined;
      await share(serverName, signal, (shared) => refresh(serverName, shared));
      return keysIn(serverName)?.verifyKeys.get(keyId);
    },
    [Symbol.dispose]: () => closing.abort(new Error('The service is stopping')),
  };
}
