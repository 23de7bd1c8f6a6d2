import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { Endpoint } from './connect-first.ts';
import { describeSocketError } from './describe-trouble.ts';
import { OutboundError } from './errors.ts';

/** What connects for us to the endpoints that it is told. */
export interface HttpProxy {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of `Proxy-Authorization`. */
  readonly authorization: string | undefined;
}

/** @param url such as `http://user:password@proxy.example.org:3128` */
export function parseProxy(url: string): HttpProxy {
  const { hostname, port, username, password } = new URL(url);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 80 : Number(port),
    authorization: credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

/**
 * Has the proxy connect to an endpoint. It is told the address, not the name: what it would make of a name nobody could
 * have checked. RFC 9110, section 9.3.6.
 * @param socket to the proxy; closed unless it becomes the tunnel
 */
export async function openTunnel(
  socket: Socket,
  { authorization }: HttpProxy,
  { address, port }: Endpoint,
  signal: AbortSignal,
): Promise<Socket> {
  const path = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const headers = { host: path, ...(authorization !== undefined && { 'proxy-authorization': authorization }) };
  // Only where there is a proxy: an import of `node:http` also loads all that Node has for `fetch`.
  const { request } = await import('node:http');
  const asking = request({ method: 'CONNECT', path, headers, createConnection: () => socket, signal });
  asking.end();
  try {
    const [answer, tunnel, first] = (await once(asking, 'connect')) as [IncomingMessage, Socket, Buffer];
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) throw new OutboundError('refused', `The proxy answered ${status} about ${path}`);
    if (first.length > 0) tunnel.unshift(first);
    return tunnel;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    if (error instanceof OutboundError || !(error instanceof Error)) throw error;
    throw describeSocketError(error, `the proxy, about ${path}`);
  }
}
