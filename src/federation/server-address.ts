import { isIP } from 'node:net';
import { splitHostAndPort } from '../matrix/index.ts';

/** What a server name says about where the server is. */
export interface ServerAddress {
  /** As in the name; IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Without brackets, when the host is an address. */
  readonly literal: string | undefined;
}

/** @param serverName has the grammar of a server name */
export function addressOf(serverName: string): ServerAddress {
  const { host, port } = splitHostAndPort(serverName);
  const bare = host.replace(/^\[|\]$/g, '');
  return { host, port: port === undefined ? undefined : Number(port), literal: isIP(bare) === 0 ? undefined : bare };
}
