import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { createSingleFlight } from '../cluster/index.ts';
import { type ServerName, Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { KeyId } from './key-id.ts';
import { type AskNotary, createNotary, type GetJson, type PostJson } from './notaries.ts';
import { readServerKeys, type ServerKeys, UnusableServerKeys } from './server-keys.ts';

/** The keys of other servers: fetched when one is needed, remembered in this process. */
export interface RemoteKeys {
  /**
   * A key with which the server may sign requests now. `undefined` when it has no such key, or when neither the server nor
   * a notary could be asked; the log says why.
   * @throws {Unavailable} when too many servers are being asked @throws the signal's reason when it aborts first
   */
  find(serverName: ServerName, keyId: KeyId, signal: AbortSignal): Promise<KeyObject | undefined>;
}

export interface RemoteKeysParts {
  readonly getJson: GetJson;
  /** To ask a notary about several servers at once. */
  readonly postJson?: PostJson;
  /** Whom to ask when a server cannot be asked itself, in this order. */
  readonly notaries: readonly ServerName[];
  readonly log: Log;
  readonly now: () => number;
}

const MAX_SERVERS = 10_000;
/** Strangers choose the names, so there is an end to it. */
const MAX_ASKED_AT_ONCE = 200;
/** So long a server is not asked again: not for a key that it does not have, nor when it is in trouble. */
const PAUSE_MS = 60_000;

interface Known extends ServerKeys {
  /** Half of the validity: from then on they are fetched again, while they still count. */
  readonly refreshTs: number;
}

export function createRemoteKeys(parts: RemoteKeysParts): RemoteKeys & Disposable {
  const { log, now } = parts;
  const known = new LRUCache<ServerName, Known>({ max: MAX_SERVERS });
  /** Apart from the keys, so that names which somebody makes up push no keys out. */
  const pausedUntilTs = new LRUCache<ServerName, number>({ max: MAX_SERVERS });
  const closing = new AbortController();
  const share = createSingleFlight<void>();
  const shareNotaryKeys = createSingleFlight<ServerKeys>();
  let askedAtOnce = 0;

  const keysIn = (serverName: ServerName): Known | undefined => {
    const keys = known.get(serverName);
    return keys !== undefined && now() < keys.validUntilTs ? keys : undefined;
  };

  const remember = (keys: ServerKeys): ServerKeys => {
    known.set(keys.serverName, { ...keys, refreshTs: (now() + keys.validUntilTs) / 2 });
    return keys;
  };

  const askServer = async (serverName: ServerName, signal: AbortSignal): Promise<ServerKeys> =>
    readServerKeys(await parts.getJson(serverName, '/_matrix/key/v2/server', signal), serverName, now());

  /** From the notary itself: a notary that another one vouches for would be one too many. */
  const keysOfNotary = async (notary: ServerName, signal: AbortSignal): Promise<ServerKeys> => {
    const keys = keysIn(notary);
    if (keys !== undefined && now() < keys.refreshTs) return keys;
    return await shareNotaryKeys(notary, signal, async (shared) => remember(await askServer(notary, shared)));
  };
  const notaries: readonly [ServerName, AskNotary][] = parts.notaries.map((notary) => [
    notary,
    createNotary(notary, { getJson: parts.getJson, postJson: parts.postJson, keysOf: keysOfNotary, now }),
  ]);

  const notaryPausedUntilTs = new Map<ServerName, number>();

  const askNotaries = async (serverName: ServerName, signal: AbortSignal): Promise<ServerKeys | undefined> => {
    for (const [notary, ask] of notaries) {
      if (notary === serverName || now() < (notaryPausedUntilTs.get(notary) ?? 0)) continue;
      try {
        const keys = await ask(serverName, signal);
        if (keys !== undefined) return keys;
      } catch (error) {
        if (signal.aborted) throw error;
        notaryPausedUntilTs.set(notary, now() + PAUSE_MS);
        log.warn({ err: error, notary, serverName }, 'A notary cannot be asked about the keys of a server');
      }
    }
    return undefined;
  };

  const askAll = async (serverName: ServerName, signal: AbortSignal): Promise<ServerKeys | undefined> => {
    try {
      return await askServer(serverName, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      // Whatever it was, the peer is told the same, and the log has the rest.
      const why = error instanceof UnusableServerKeys ? { reason: error.message } : { err: error };
      log.info({ ...why, serverName }, 'The keys of a server cannot be had from it');
      return await askNotaries(serverName, signal);
    }
  };

  const refresh = (serverName: ServerName, signal: AbortSignal): Promise<void> =>
    share(serverName, signal, async (shared) => {
      if (askedAtOnce >= MAX_ASKED_AT_ONCE)
        throw new Unavailable('Too many servers are being asked for keys; try again');
      askedAtOnce += 1;
      try {
        const keys = await askAll(serverName, AbortSignal.any([shared, closing.signal]));
        if (keys !== undefined) remember(keys);
        pausedUntilTs.set(serverName, now() + PAUSE_MS);
      } finally {
        askedAtOnce -= 1;
      }
    });

  const refreshInBackground = (serverName: ServerName): void => {
    refresh(serverName, closing.signal).catch((error: unknown) => {
      if (!closing.signal.aborted) log.warn({ err: error, serverName }, 'The keys of a server were not fetched again');
    });
  };

  return {
    async find(serverName, keyId, signal) {
      signal.throwIfAborted();
      const keys = keysIn(serverName);
      const key = keys?.verifyKeys.get(keyId);
      const mayAsk = now() >= (pausedUntilTs.get(serverName) ?? 0);
      if (key !== undefined && keys !== undefined) {
        if (mayAsk && now() >= keys.refreshTs) refreshInBackground(serverName);
        return key;
      }
      if (!mayAsk) return undefined;
      await refresh(serverName, signal);
      return keysIn(serverName)?.verifyKeys.get(keyId);
    },
    [Symbol.dispose]: () => closing.abort(new Error('The service is stopping')),
  };
}
