import { createSingleFlight } from '../cluster/index.ts';
import { RemoteUnavailable, type ServerName } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type AskNotary, createNotary, type GetJson, type PostJson } from './notaries.ts';
import { halfOfValidity, readServerKeys, type ServerKeys, UnusableServerKeys } from './server-keys.ts';

export interface KeyFetcherParts {
  readonly getJson: GetJson;
  /** To ask a notary about several servers at once. */
  readonly postJson?: PostJson;
  /** Whom to ask when a server cannot be asked itself, in this order. */
  readonly notaries: readonly ServerName[];
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Asks the server for its keys, and notaries when that does not work. `undefined` when none of them has keys that prove
 * something; the log says why. @throws the signal's reason when it aborts first
 */
export type FetchKeys = (serverName: ServerName, signal: AbortSignal) => Promise<ServerKeys | undefined>;

/** So long a notary in trouble is left alone. */
const PAUSE_MS = 60_000;
/** In a row: that one question takes too long may be due to the server that it is about. */
const TIMEOUTS_BEFORE_PAUSE = 5;

export function createKeyFetcher(parts: KeyFetcherParts): FetchKeys {
  const { log, now } = parts;
  const pausedUntilTs = new Map<ServerName, number>();
  const timeouts = new Map<ServerName, number>();

  const askServer = async (serverName: ServerName, signal: AbortSignal): Promise<ServerKeys> =>
    readServerKeys(await parts.getJson(serverName, '/_matrix/key/v2/server', signal), serverName, now());

  const keysOf = rememberNotaryKeys(askServer, now);
  const notaries: readonly (readonly [ServerName, AskNotary])[] = parts.notaries.map((notary) => [
    notary,
    createNotary(notary, { getJson: parts.getJson, postJson: parts.postJson, keysOf, now }),
  ]);

  const askNotaries: FetchKeys = async (serverName, signal) => {
    for (const [notary, ask] of notaries) {
      if (notary === serverName || now() < (pausedUntilTs.get(notary) ?? 0)) continue;
      try {
        const keys = await ask(serverName, signal);
        timeouts.delete(notary);
        if (keys !== undefined) return keys;
      } catch (error) {
        if (signal.aborted) throw error;
        const count = (timeouts.get(notary) ?? 0) + 1;
        timeouts.set(notary, count);
        const isSlow = error instanceof RemoteUnavailable && error.trouble === 'timeout';
        if (!isSlow || count >= TIMEOUTS_BEFORE_PAUSE) pausedUntilTs.set(notary, now() + PAUSE_MS);
        log.warn({ err: error, notary, serverName }, 'A notary cannot be asked about the keys of a server');
      }
    }
    return undefined;
  };

  return async (serverName, signal) => {
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
}

/** From each notary itself, never from another one; fetched again at half of their validity. */
function rememberNotaryKeys(
  askServer: (notary: ServerName, signal: AbortSignal) => Promise<ServerKeys>,
  now: () => number,
): (notary: ServerName, signal: AbortSignal) => Promise<ServerKeys> {
  const known = new Map<ServerName, { readonly keys: ServerKeys; readonly untilTs: number }>();
  const share = createSingleFlight<ServerKeys>();
  return async (notary, signal) => {
    const remembered = known.get(notary);
    if (remembered !== undefined && now() < remembered.untilTs) return remembered.keys;
    return await share(notary, signal, async (shared) => {
      const keys = await askServer(notary, shared);
      known.set(notary, { keys, untilTs: halfOfValidity(keys, now()) });
      return keys;
    });
  };
}
