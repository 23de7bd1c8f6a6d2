import ipaddr from 'ipaddr.js';
import { splitHostAndPort } from '../matrix/index.ts';

/**
 * The client's address, for every purpose. A proxy is believed because of where it stands: only a peer in a private
 * network may say with `X-Forwarded-For` whom it speaks for, and then the last public address counts, which is the one
 * that our own proxies have added. With `trustAny` the first address counts, whoever sends it.
 * @param peer of the TCP connection
 */
export function findClientAddress(peer: string, forwardedFor: string | undefined, trustAny: boolean): string {
  const own = parse(peer);
  const peerAddress = own?.toString() ?? peer;
  if (forwardedFor === undefined) return peerAddress;
  const named = forwardedFor.split(',').map((part) => parse(part.trim()));
  if (trustAny) return named[0]?.toString() ?? peerAddress;
  if (own === undefined || isPublic(own)) return peerAddress;
  return named.findLast((address) => address !== undefined && isPublic(address))?.toString() ?? peerAddress;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** With or without port, brackets and zone; IPv4 within IPv6 comes out as IPv4. */
function parse(text: string): Address | undefined {
  const bare = isBareIpv6(text) ? text : splitHostAndPort(text).host;
  const inner = bare.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(inner) ? ipaddr.process(inner) : undefined;
}

function isBareIpv6(text: string): boolean {
  return !text.startsWith('[') && text.split(':').length > 2;
}

function isPublic(address: Address): boolean {
  return address.range() === 'unicast';
}
