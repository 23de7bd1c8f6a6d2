import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Endpoint } from './connect-first.ts';
import { type CertificateRules, createConnector } from './connector.ts';
import { OutboundError } from './errors.ts';
import { type AddressCheck, createAddressCheck, type NetworkRules } from './networks.ts';
import { createPatience, type Patience, type TimeLimits } from './patience.ts';
import { createPools, type Pools } from './pools.ts';
import { type Headers, nextHop, redirectOf } from './redirects.ts';
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

export interface OutboundCall {
  readonly method?: 'GET' | 'HEAD';
  /** Starts with a slash; with its query. */
  readonly path: string;
  /** Without `Host`. */
  readonly headers?: Headers;
  /** In place of those that all calls have. */
  readonly limits?: Partial<TimeLimits>;
}

export interface RedirectedCall extends Omit<OutboundCall, 'path'> {
  /** With colon. Also asked of the first URL. */
  readonly protocols: readonly ('https:' | 'http:')[];
  /** At the redirect after that it is given up. */
  readonly maxRedirects: number;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
  /** What answered in the end. */
  readonly url: URL;
}

export interface OutboundOptions {
  readonly networks: NetworkRules;
  readonly limits: TimeLimits;
  readonly certificates?: CertificateRules;
  /** To one target at once; requests beyond that wait. Default: 16. */
  readonly maxConnections?: number;
  /** Of one answer. Default: 16 KiB. */
  readonly maxHeaderBytes?: number;
}

export interface OutboundParts {
  readonly resolver: Resolver;
  /** For tests: where a checked endpoint really is. */
  readonly route?: (endpoint: Endpoint) => Endpoint;
}

/** One for each use: federation, link previews and redirects of stores differ in what they may reach. */
export function openOutbound(parts: OutboundParts, options: OutboundOptions): Outbound & AsyncDisposable {
  const { networks, limits, certificates = {}, maxConnections = 16, maxHeaderBytes = 16_384 } = options;
  const { resolver, route = (endpoint: Endpoint) => endpoint } = parts;
  const isAllowed: AddressCheck = createAddressCheck(networks);
  const connect = createConnector({ resolver, isAllowed, route, connectMs: limits.connectMs, certificates });
  const pools = createPools(connect, { maxConnections, maxHeaderBytes });

  const withPatience = async (
    own: Partial<TimeLimits> | undefined,
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
        const { method = 'GET', protocols, maxRedirects } = call;
        let hop = { url: first, headers: call.headers ?? {} };
        for (let redirects = 0; ; redirects += 1) {
          const { url, headers } = hop;
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

interface Exchange {
  readonly pools: Pools;
  readonly patience: Patience;
  readonly limits: TimeLimits;
}

async function ask({ pools, patience, limits }: Exchange, target: Target, call: OutboundCall, url: URL) {
  const options = {
    method: call.method ?? 'GET',
    path: call.path,
    headers: { ...call.headers, host: target.authority },
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.stallMs,
    signal: patience.signal,
  };
  const headersCame = patience.awaitHeaders();
  try {
    const { statusCode: status, headers, body } = await send(pools.of(target), options, patience.signal);
    body.on('error', () => undefined); // told to whoever reads; nobody may be reading
    return { status, headers, body, url };
  } finally {
    headersCame();
  }
}

async function send(dispatcher: Dispatcher, options: Omit<Dispatcher.RequestOptions, 'origin'>, signal: AbortSignal) {
  try {
    return await dispatcher.request(options as Dispatcher.RequestOptions);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof OutboundError && error.trouble === 'broken off')) throw error;
    // Once more: most likely it was closed while it lay idle.
    return await dispatcher.request(options as Dispatcher.RequestOptions);
  }
}

/** Server names can be what no URL can: numbers that are no address, punycode of nothing. */
function urlOf({ protocol, authority }: Target, path: string): URL {
  const url = URL.parse(`${protocol}//${authority}${path}`);
  if (url === null) throw new OutboundError('name not found', `${authority} cannot be the name of a machine`);
  return url;
}
