import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { splitHostAndPort } from '../matrix/index.ts';

/** More proxies than that stand before nobody; a client can send a list of thousands, which takes long to read. */
const MAX_HOPS = 20;

/**
 * The client's address, for every purpose. A proxy is believed because of where it stands: only a peer in a private
 * network may say with `X-Forwarded-For` whom it speaks for, and then the last public address counts, which is the one
 * that our own proxies have added. With `trustAny` the first address counts, whoever sends it.
 * @param peer of the TCP connection
 */
export function findClientAddress(peer: string, forwardedFor: string | undefined, trustAny: boolean): string {
  if (forwardedFor === undefined && isIPv4(peer)) return peer;
  const own = parse(peer);
  const peerAddress = own?.toString() ?? peer;
  if (forwardedFor === undefined) return peerAddress;
  if (trustAny) return parse(forwardedFor.split(',', 1)[0]?.trim() ?? '')?.toString() ?? peerAddress;
  if (own === undefined || !isPrivate(own)) return peerAddress;
  for (const part of forwardedFor.split(',').slice(-MAX_HOPS).reverse()) {
    const address = parse(part.trim());
    if (address !== undefined && isPublic(address)) return address.toString();
  }
  return peerAddress;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** With or without port, brackets and zone; IPv4 within IPv6 comes out as IPv4. */
function parse(text: string): Address | undefined {
  const bare = isBareIpv6(text) ? text : splitHostAndPort(text).host;
  const inner = bare.replace(/^\[|\]$/g, '');
  return isIP(inner) !== 0 ? ipaddr.process(inner) : undefined;
}

function isBareIpv6(text: string): boolean {
  return !text.startsWith('[') && text.split(':').length > 2;
}

/** Of networks that nobody reaches from the internet. */
const PRIVATE: ReadonlySet<string> = new Set(['private', 'loopback', 'linkLocal', 'uniqueLocal', 'carrierGradeNat']);
/** Of no single machine. */
const NOBODY: ReadonlySet<string> = new Set(['unspecified', 'broadcast', 'multicast']);

function isPrivate(address: Address): boolean {
  return PRIVATE.has(address.range());
}

function isPublic(address: Address): boolean {
  return !isPrivate(address) && !NOBODY.has(address.range());
}
