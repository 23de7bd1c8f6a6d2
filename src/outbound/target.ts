import { isIP } from 'node:net';
import { OutboundError } from './errors.ts';

/** Where a request goes, and as whose. The two differ where a server is found by delegation. */
export interface Target {
  readonly protocol: 'https:' | 'http:';
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** The `Host` header: name or bracketed address, with a port where one belongs. The certificate has to be for it. */
  readonly authority: string;
}

/** @throws {OutboundError} `bad redirect`, when the scheme is none of the allowed */
export function targetOf(url: URL, protocols: readonly string[]): Target {
  const { protocol, hostname, host } = url;
  if ((protocol !== 'https:' && protocol !== 'http:') || !protocols.includes(protocol)) {
    throw new OutboundError('bad redirect', `The scheme ${protocol} is not allowed here`);
  }
  const port = url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { protocol, host: hostname.replace(/^\[|\]$/g, ''), port, authority: host };
}

/** The name that the certificate has to be for: the authority without port, brackets and the dot of the root. */
export function tlsNameOf({ authority }: Target): string {
  const host = authority.replace(/:\d+$/, '');
  return host.startsWith('[') ? host.slice(1, -1) : host.replace(/\.$/, '').toLowerCase();
}

/**
 * Whether it looks like a number without being a proper address, as `127.1`, `2130706433` and `0x7f.1` do. Programs make
 * different addresses of those, and no name of the DNS ends like that. WHATWG URL, "ends in a number checker".
 */
export function isNumberLike(host: string): boolean {
  const last = host.replace(/\.$/, '').split('.').at(-1) ?? '';
  return isIP(host) === 0 && /^(\d+|0x[\da-f]*)$/i.test(last);
}

/** Equal for requests that may share connections. */
export function keyOf({ protocol, host, port, authority }: Target): string {
  return `${protocol}//${authority} ${host} ${port}`.toLowerCase();
}
