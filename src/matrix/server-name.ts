import { isIPv4, isIPv6 } from 'node:net';
import { InvalidParam } from './errors.ts';
import { shorten } from './shorten.ts';

/** Has passed {@link parseServerName}: safe in a path, a header, SQL. Specification: Appendices, "Server Name". */
export type ServerName = string & { readonly brand: 'ServerName' };

/** The specification allows 255 for the host; with the longest port that makes this. */
const MAX_LENGTH = 261;
const DOTTED_QUAD = /^\d+\.\d+\.\d+\.\d+$/;

/**
 * Case is kept: `example.org` and `EXAMPLE.org` are different owners of media.
 * @throws {InvalidParam} naming the part that is wrong.
 */
export function parseServerName(text: string): ServerName {
  const problem = findServerNameProblem(text);
  if (problem !== undefined) throw new InvalidParam(`"${shorten(text)}" is not a server name: ${problem}`);
  return text as ServerName; // the only cast to this type
}

/** What is wrong with it, in words that end a sentence; `undefined` when it is a server name. */
export function findServerNameProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  const { host, port } = splitHostAndPort(text);
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    return 'its port is not a number from 1 to 65535';
  }
  if (host.startsWith('[')) {
    const isLiteral = host.endsWith(']') && !host.includes('%') && isIPv6(host.slice(1, -1));
    return isLiteral ? undefined : 'what stands in the brackets is not an IPv6 address';
  }
  if (host === '') return 'it has no host';
  if (host.length > 255) return 'its host is longer than 255 characters';
  if (DOTTED_QUAD.test(host)) return isIPv4(host) ? undefined : 'its numbers are not an IPv4 address';
  if (!/^[A-Za-z0-9.-]+$/.test(host)) return 'its host may only have letters, digits, dots and dashes';
  if (!/[A-Za-z0-9]/.test(host) || host.startsWith('.') || host.includes('..')) return 'its host has an empty label';
  return undefined;
}

/** Cuts a trailing `:port` off; does not check either part. */
export function splitHostAndPort(text: string): { readonly host: string; readonly port: string | undefined } {
  const end = text.startsWith('[') ? text.indexOf(']') + 1 : 0;
  const colon = text.indexOf(':', end);
  return colon === -1 ? { host: text, port: undefined } : { host: text.slice(0, colon), port: text.slice(colon + 1) };
}
