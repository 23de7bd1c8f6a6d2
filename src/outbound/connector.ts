import { isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';
import { connectToFirst, type Endpoint, orderEndpoints } from './connect-first.ts';
import { type ConnectionEvent, certificateOf, refusedCertificateOf } from './connection-event.ts';
import { describeTlsError } from './describe-trouble.ts';
import { OutboundError } from './errors.ts';
import type { AddressCheck } from './networks.ts';
import { type HttpProxy, openTunnel } from './proxy.ts';
import type { Resolver } from './resolver.ts';
import { isNumberLike, type Target, tlsNameOf } from './target.ts';

/** Opens a connection to what the target's name means now, if that is allowed. @throws {OutboundError} */
export type Connector = (target: Target) => Promise<Socket>;

export interface ConnectorParts {
  readonly resolver: Resolver;
  readonly isAllowed: AddressCheck;
  /** Where a checked endpoint really is. Tests have no other way to stand in for the machines of others. */
  readonly route: (endpoint: Endpoint) => Endpoint;
  /** For everything until the connection stands: lookup, TCP and TLS. */
  readonly connectMs: number;
  readonly certificates: CertificateRules;
  /** Opens the connections for us; it is the operator's, so that its own address is not checked. */
  readonly proxy?: HttpProxy | undefined;
  /** Learns how each connection comes about. */
  readonly watch?: ((event: ConnectionEvent) => void) | undefined;
}

export interface CertificateRules {
  /** Who is trusted, as PEM. Default: whom Node trusts. */
  readonly authorities?: readonly string[];
  /** `false`: any certificate will do. For tests of federations alone. */
  readonly areChecked?: boolean;
}

export function createConnector(parts: ConnectorParts): Connector {
  const { connectMs, certificates, watch } = parts;
  const startTls = buildConnector({
    allowH2: false,
    timeout: 0, // the time limit here is of the whole
    ...(watch !== undefined && { maxCachedSessions: 0 }), // a resumed session shows no certificate
    rejectUnauthorized: certificates.areChecked ?? true,
    ...(certificates.authorities !== undefined && { ca: [...certificates.authorities] }),
  });
  return async (target) => {
    const ending = new AbortController();
    const late = () =>
      ending.abort(new OutboundError('timeout', `${nameOf(target)}: no connection in ${connectMs} ms`));
    const timer = setTimeout(late, connectMs);
    try {
      const endpoints = await findEndpoints(parts, target, ending.signal);
      const socket = await connectTo(parts, orderEndpoints(endpoints), ending.signal);
      const { remoteAddress: address = '', remotePort: port = 0 } = socket;
      watch?.({ what: 'connected', address, port });
      return target.protocol === 'http:' ? socket : await secure(startTls, socket, target, watch, ending.signal);
    } finally {
      clearTimeout(timer);
    }
  };
}

/**
 * Every address is checked, and only checked addresses are connected to: there is no second lookup whose answer could
 * be another one.
 */
async function findEndpoints(parts: ConnectorParts, target: Target, signal: AbortSignal): Promise<Endpoint[]> {
  const { host, port } = target;
  if (isNumberLike(host)) throw new OutboundError('name not found', `${host} is neither an address nor a name`);
  const addresses = isIP(host) === 0 ? await parts.resolver.findAddresses(host, signal) : [host];
  const allowed = addresses.filter(parts.isAllowed);
  parts.watch?.({ what: 'addresses', host, found: addresses, allowed });
  if (allowed.length > 0) return allowed.map((address) => ({ address, port }));
  throw new OutboundError('forbidden address', `${nameOf(target)}: ${addresses.join(', ')} may not be connected to`);
}

/** @param endpoints whose addresses may be connected to */
async function connectTo(parts: ConnectorParts, endpoints: Endpoint[], signal: AbortSignal): Promise<Socket> {
  const { proxy, resolver, route } = parts;
  if (proxy === undefined) return await connectToFirst(endpoints.map(route), signal);
  const { host, port } = proxy;
  const addresses = isIP(host) === 0 ? await resolver.findAddresses(host, signal) : [host];
  const openToProxy = () =>
    connectToFirst(orderEndpoints(addresses.map((address) => ({ address, port }))).map(route), signal);
  let refusal: unknown;
  for (const endpoint of endpoints) {
    try {
      return await openTunnel(await openToProxy(), proxy, endpoint, signal);
    } catch (error) {
      signal.throwIfAborted();
      refusal ??= error; // the proxy may have no way to addresses of that family
    }
  }
  throw refusal;
}

function secure(
  startTls: buildConnector.connector,
  socket: Socket,
  target: Target,
  watch: ConnectorParts['watch'],
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const name = tlsNameOf(target);
  const giveUp = () => {
    reject(signal.reason);
    socket.destroy();
  };
  const options = {
    protocol: 'https:',
    port: String(target.port),
    hostname: name,
    ...(isIP(name) === 0 && { servername: name }), // no SNI for an address. RFC 6066, section 3
    httpSocket: socket,
  };
  signal.addEventListener('abort', giveUp, { once: true });
  startTls(options, (error, secured) => {
    signal.removeEventListener('abort', giveUp);
    if (error === null) {
      watch?.(certificateOf(secured as TLSSocket, name)); // undici's type is that of both kinds of connections
      return resolve(secured);
    }
    socket.destroy();
    watch?.(refusedCertificateOf(error, name));
    reject(describeTlsError(error, nameOf(target)));
  });
  return promise;
}

function nameOf({ host, port }: Target): string {
  return `${host} port ${port}`;
}
