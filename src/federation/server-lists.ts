import { matchesWildcard, type ServerName, splitHostAndPort } from '../matrix/index.ts';

/** Patterns for names of servers; `*` stands for any text. */
export interface ServerLists {
  /** Empty: all of them. */
  readonly allow: readonly string[];
  /** Wins over `allow`. */
  readonly deny: readonly string[];
}

/**
 * Whether the lists let the server pass. Upper and lower case are one, since both lead to the same machine. A pattern without
 * port means all ports of the host, as in `m.room.server_acl`: with another port one would otherwise be another server.
 */
export function isServerAllowed(serverName: ServerName, { allow, deny }: ServerLists): boolean {
  const name = serverName.toLowerCase();
  const names = [name, splitHostAndPort(name).host];
  const isIn = (patterns: readonly string[]) =>
    patterns.some((pattern) => names.some((text) => matchesWildcard(pattern.toLowerCase(), text)));
  return !isIn(deny) && (allow.length === 0 || isIn(allow));
}
