import type { Bus } from '../cluster/index.ts';
import { RemoteUnavailable, type ServerName } from '../matrix/index.ts';
import {
  type Outbound,
  type OutboundAnswer,
  type OutboundCall,
  OutboundError,
  type OutboundTrouble,
  type Resolver,
} from '../outbound/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type Attempt, createBackoff } from './backoff.ts';
import { createDiscovery, type Discover } from './discovery.ts';
import { USER_AGENT } from './user-agent.ts';

/** The servers that are not ours. */
export interface Federation {
  /**
   * Finds the server, asks it, and gives its answer, whatever that says. Redirects are answers like any other.
   * The body fails with an {@link OutboundError}; whoever does not read it to its end destroys it.
   * @throws {RemoteUnavailable} when there is no answer
   * @throws the signal's reason when it aborts first
   */
  request(serverName: ServerName, call: FederationCall, signal: AbortSignal): Promise<OutboundAnswer>;
  /** Where it is. */
  readonly discover: Discover;
}

export interface FederationCall extends OutboundCall {
  /** Makes the `Authorization` header; without it the request is nobody's. */
  readonly sign?: Sign;
}

/**
 * Signs for the one of our domains that asks; `undefined` when it has no key.
 * @param destination the name before any delegation. Specification: DISC-15
 * @param uri path and query
 */
export type Sign = (
  destination: ServerName,
  method: string,
  uri: string,
) => string | undefined | Promise<string | undefined>;

export interface FederationParts {
  readonly outbound: Outbound;
  readonly resolver: Resolver;
  /** Tells other processes of servers in trouble. */
  readonly bus: Bus;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set: for how long something lasts. */
  readonly steadyNow: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Failures in a row after which a server is left alone: `federation.backoffAt`. */
  readonly backoffAt: () => number;
  /** For tests of federations: no TLS, in no step. */
  readonly plainHttp?: boolean;
}

/** After that no further place is tried. */
const PATIENCE_MS = 60_000;

export function createFederation(parts: FederationParts): Federation {
  const { outbound, log, steadyNow, plainHttp = false } = parts;
  const discover = createDiscovery({ ...parts, plainHttp });
  const backoff = createBackoff({ ...parts, now: steadyNow, failuresAllowed: parts.backoffAt });
  if (plainHttp) log.warn('Other servers are asked without TLS: everybody on the way can read and change what is said');

  const ask = async (serverName: ServerName, call: FederationCall, signal: AbortSignal): Promise<OutboundAnswer> => {
    const { sign, ...plain } = call;
    const authorization = await sign?.(serverName, call.method ?? 'GET', call.path);
    const signed = {
      ...plain,
      headers: { 'user-agent': USER_AGENT, ...call.headers, ...(authorization !== undefined && { authorization }) },
    };
    const startMs = steadyNow();
    let failure: unknown;
    for (const target of await discover(serverName, signal)) {
      try {
        return await outbound.request(target, signed, signal);
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error;
        log.debug(
          { serverName, host: target.host, port: target.port, reason: error.message },
          'A place of a server fails',
        );
        failure = error;
        if (steadyNow() - startMs > PATIENCE_MS) break;
      }
    }
    throw failure;
  };

  return {
    discover,
    async request(serverName, call, signal) {
      signal.throwIfAborted();
      const attempt = backoff.begin(serverName);
      try {
        const answer = await ask(serverName, call, signal);
        tellAnswer(attempt, answer);
        return answer;
      } catch (error) {
        const described = asRemoteTrouble(serverName, error);
        if (described instanceof RemoteUnavailable && described.trouble !== 'forbidden') attempt.fail();
        else attempt.leave();
        throw described;
      }
    },
  };
}

/** Any other status comes from a server that works, and is about the one request. */
function tellAnswer(attempt: Attempt, answer: OutboundAnswer): void {
  if (isAboutMedia(answer)) attempt.leave();
  else if (answer.status >= 500 || answer.status === 429) attempt.fail();
  else attempt.succeed();
}

/**
 * Servers answer so about media that has not been uploaded yet, or is too large; what stands in front of them says with the
 * same statuses that they are down, but not in JSON. Else anybody could have a server left alone by asking for such media.
 * Specification: FED-3, FED-9.
 */
function isAboutMedia({ status, headers }: OutboundAnswer): boolean {
  return (status === 502 || status === 504) && /^application\/json\b/i.test(String(headers['content-type']));
}

/** What goes wrong on the way to another server, in the words of a client's answer; anything else as it is. */
export function asRemoteTrouble(serverName: ServerName, error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  return new RemoteUnavailable(serverName, REMOTE_TROUBLES[error.trouble], { cause: error });
}

const REMOTE_TROUBLES = {
  'name not found': 'unreachable',
  'lookup failed': 'unreachable',
  'forbidden address': 'forbidden',
  refused: 'unreachable',
  unreachable: 'unreachable',
  timeout: 'timeout',
  tls: 'unreachable',
  protocol: 'bad answer',
  'broken off': 'unreachable',
  'bad redirect': 'bad answer',
  'too large': 'bad answer',
} as const satisfies Record<OutboundTrouble, RemoteUnavailable['trouble']>;
