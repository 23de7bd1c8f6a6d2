import ipaddr from 'ipaddr.js';
import { matchesWildcard, type ServerName, splitHostAndPort } from '../matrix/index.ts';

/** Patterns for names of servers; `*` stands for any text. */
export interface ServerLists {
  /** Empty: all of them. */
  readonly allow: readonly string[];
  /** Wins over `allow`. */
  readonly deny: readonly string[];
}

/**
 * Whether the lists let the server pass. Upper and lower case are one, since both lead to the same machine, and so are all
 * spellings of an address, and a name with and without the dot of the root. A pattern without port means all ports of the
 * host, as in `m.room.server_acl`: with another port one would otherwise be another server.
 */
export function isServerAllowed(serverName: ServerName, { allow, deny }: ServerLists): boolean {
  if (allow.length === 0 && deny.length === 0) return true; // as nearly everywhere
  const names = spellingsOf(serverName);
  const isIn = (patterns: readonly string[]) =>
    patterns.some((pattern) => names.some((text) => matchesWildcard(plainPattern(pattern), text)));
  return !isIn(deny) && (allow.length === 0 || isIn(allow));
}

function spellingsOf(serverName: string): readonly string[] {
  const name = serverName.toLowerCase();
  return [name, splitHostAndPort(name).host, plainName(name), splitHostAndPort(plainName(name)).host];
}

/** With an asterisk it is no name yet. */
function plainPattern(pattern: string): string {
  const lowerCase = pattern.toLowerCase();
  return lowerCase.includes('*') ? lowerCase : plainName(lowerCase);
}

function plainName(name: string): string {
  const { host, port } = splitHostAndPort(name);
  return port === undefined ? plainHost(host) : `${plainHost(host)}:${Number(port)}`;
}

function plainHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === host || !ipaddr.IPv6.isValid(bare)) return host.replace(/\.$/, '');
  const address = ipaddr.process(bare); // IPv4 within IPv6 is that IPv4 address
  return address.kind() === 'ipv6' ? `[${address}]` : address.toString();
}
