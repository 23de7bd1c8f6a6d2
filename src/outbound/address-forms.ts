import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * All addresses that packets to this one may end at: itself, and the IPv4 addresses that the transition mechanisms of
 * IPv6 carry inside. IPv4 within IPv6 (`::ffff:a.b.c.d`) is that IPv4 address and nothing else.
 * @param text an address as resolvers give it; empty for what is none, and for one with a zone, which belongs to a link
 */
export function formsOf(text: string): readonly Address[] {
  if (text.includes('%') || !isStrictAddress(text)) return [];
  const address = ipaddr.process(text);
  return address instanceof ipaddr.IPv6 ? [address, ...embeddedIn(address.toByteArray())] : [address];
}

/** ipaddr.js also reads octal, hexadecimal and shortened IPv4; programs differ in what those mean. */
function isStrictAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}

const NAT64 = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const LOCAL_NAT64 = [0x00, 0x64, 0xff, 0x9b, 0x00, 0x01];
const SIX_TO_FOUR = [0x20, 0x02];
const TEREDO = [0x20, 0x01, 0, 0];
const COMPATIBLE = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const TRANSLATED = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];

function embeddedIn(bytes: readonly number[]): ipaddr.IPv4[] {
  const last = new ipaddr.IPv4(bytes.slice(12));
  if (startsWith(bytes, TEREDO)) {
    const client = new ipaddr.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff));
    return [new ipaddr.IPv4(bytes.slice(4, 8)), client];
  }
  if (startsWith(bytes, SIX_TO_FOUR)) return [new ipaddr.IPv4(bytes.slice(2, 6))];
  if (startsWith(bytes, LOCAL_NAT64)) return embeddedInLocalNat64(bytes);
  const endsInIpv4 = [NAT64, COMPATIBLE, TRANSLATED].some((prefix) => startsWith(bytes, prefix));
  return endsInIpv4 || isIsatap(bytes) ? [last] : [];
}

/**
 * Networks choose among prefixes of 48, 56, 64 and 96 bits; with the shorter ones the address goes round the ninth byte,
 * which is 0. Which one it is cannot be seen, so it is all that make sense. RFC 8215; RFC 6052, section 2.2.
 */
function embeddedInLocalNat64(bytes: readonly number[]): ipaddr.IPv4[] {
  const aroundNinth = bytes.toSpliced(8, 1);
  const shorter = bytes[8] === 0 ? [6, 7, 8].map((at) => aroundNinth.slice(at, at + 4)) : [];
  const last = bytes.slice(12);
  const possible = [...shorter, last].filter(([first]) => first !== 0);
  return (possible.length > 0 ? possible : [last]).map((four) => new ipaddr.IPv4(four));
}

/** RFC 5214, section 6.1. */
function isIsatap(bytes: readonly number[]): boolean {
  return (bytes[8] === 0x00 || bytes[8] === 0x02) && startsWith(bytes.slice(9), [0x00, 0x5e, 0xfe]);
}

function startsWith(bytes: readonly number[], prefix: readonly number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}
