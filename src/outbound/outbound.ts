import type { Endpoint } from './connect-first.ts';
import type { ConnectionEvent } from './connection-event.ts';
import { type CertificateRules, createConnector } from './connector.ts';
import { OutboundError } from './errors.ts';
import { ask, type Exchange, type OutboundAnswer, type OutboundCall } from './exchange.ts';
import { createAddressCheck, type NetworkRules } from './networks.ts';
import { createPatience, type TimeLimits } from './patience.ts';
import { createPools } from './pools.ts';
import { parseProxy } from './proxy.ts';
import { type Hop, nextHop, redirectOf } from './redirects.ts';
import type { Resolver } from './resolver.ts';
import { type Target, targetOf } from './target.ts';

/**
 * The one way to ask a machine whose address somebody else has chosen. What may be connected to is decided when the
 * connection is opened, by address, and again for each redirect.
 *
 * All calls reject with an {@link OutboundError}, or with the reason of the signal when that aborts first. The body of
 * an answer fails with the same; whoever does not read it to its end destroys it.
 */
export interface Outbound {
  /** One request, to one place. Redirects are answers like any other. */
  request(target: Target, call: OutboundCall, signal: AbortSignal): Promise<OutboundAnswer>;
  /** Follows redirects. Another origin gets no credentials, not even when a later redirect leads back. */
  get(url: URL, call: RedirectedCall, signal: AbortSignal): Promise<OutboundAnswer>;
}

export interface RedirectedCall extends Omit<OutboundCall, 'path'> {
  /** With colon. Also asked of the first URL. */
  readonly protocols: readonly ('https:' | 'http:')[];
  /** At the redirect after that it is given up. */
  readonly maxRedirects: number;
  /** Says why a URL is not asked, the first one or one that a redirect leads to; `undefined`: it is. */
  readonly refuse?: (url: URL) => string | undefined;
}

export interface OutboundOptions {
  readonly networks: NetworkRules;
  readonly limits: TimeLimits;
  readonly certificates?: CertificateRules;
  /** To one target at once; requests beyond that wait. Default: 16. */
  readonly maxConnections?: number;
  /** Of one answer. Default: 16 KiB. */
  readonly maxHeaderBytes?: number;
  /** Of HTTP, as a URL; gets the checked addresses to connect to. */
  readonly proxy?: string | undefined;
}

export interface OutboundParts {
  readonly resolver: Resolver;
  /** For tests: where a checked endpoint really is. */
  readonly route?: (endpoint: Endpoint) => Endpoint;
  /** Learns how each connection comes about. */
  readonly watch?: (event: ConnectionEvent) => void;
}

/** One for each use: federation, link previews and redirects of stores differ in what they may reach. */
export function openOutbound(parts: OutboundParts, options: OutboundOptions): Outbound & AsyncDisposable {
  const { networks, limits, certificates = {}, maxConnections = 16, maxHeaderBytes = 16_384 } = options;
  const { resolver, route = (endpoint: Endpoint) => endpoint, watch } = parts;
  const isAllowed = createAddressCheck(networks);
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const { connectMs } = limits;
  const connect = createConnector({ resolver, isAllowed, route, connectMs, certificates, proxy, watch });
  const pools = createPools(connect, { maxConnections, maxHeaderBytes });

  const withPatience = async (
    own: OutboundCall['limits'],
    signal: AbortSignal,
    work: (exchange: Exchange) => Promise<OutboundAnswer>,
  ): Promise<OutboundAnswer> => {
    signal.throwIfAborted();
    const allLimits = { ...limits, ...own };
    const patience = createPatience(allLimits, signal);
    try {
      const answer = await work({ pools, patience, limits: allLimits });
      answer.body.once('close', patience.end);
      return answer;
    } catch (error) {
      patience.end();
      throw error;
    }
  };

  return {
    request: (target, call, signal) =>
      withPatience(call.limits, signal, async (exchange) => ask(exchange, target, call, urlOf(target, call.path))),
    get: (first, call, signal) =>
      withPatience(call.limits, signal, async (exchange) => {
        const { method = 'GET', protocols, maxRedirects, refuse } = call;
        let hop: Hop = { url: first, headers: call.headers ?? {} };
        for (let redirects = 0; ; redirects += 1) {
          const { url, headers } = hop;
          const refusal = refuse?.(url);
          if (refusal !== undefined) throw new OutboundError('bad redirect', refusal);
          const path = url.pathname + url.search;
          const answer = await ask(exchange, targetOf(url, protocols), { method, path, headers }, url);
          const location = redirectOf(answer);
          if (location === undefined) return answer;
          answer.body.destroy();
          if (redirects >= maxRedirects) throw new OutboundError('bad redirect', `More than ${maxRedirects} redirects`);
          hop = nextHop(hop, location);
        }
      }),
    [Symbol.asyncDispose]: () => pools[Symbol.asyncDispose](),
  };
}

/** Server names can be what no URL can: numbers that are no address, punycode of nothing. */
function urlOf({ protocol, authority }: Target, path: string): URL {
  const url = URL.parse(`${protocol}//${authority}${path}`);
  if (url === null) throw new OutboundError('name not found', `${authority} cannot be the name of a machine`);
  return url;
}
