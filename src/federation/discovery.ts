import type { Outbound, Resolver, Target } from '../outbound/index.ts';
import { askDelegation } from './delegation.ts';
import { createDelegationCache } from './delegation-cache.ts';
import { addressOf, type ServerAddress } from './server-address.ts';
import { createServices } from './services.ts';

/**
 * Where a server is: the places to try, in this order, at least one. None has been connected to, and no name of a
 * machine has been looked up. Specification: Server-Server API, "Resolving server names".
 * @param serverName has the grammar of a server name
 * @throws the signal's reason; nothing else, since each step that fails leads to the next one
 */
export type Discover = (serverName: string, signal: AbortSignal) => Promise<readonly Target[]>;

export interface DiscoveryParts {
  readonly outbound: Pick<Outbound, 'get'>;
  readonly resolver: Pick<Resolver, 'findServices'>;
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Without TLS, in every step. */
  readonly plainHttp: boolean;
}

const DEFAULT_PORT = 8448;

export function createDiscovery(parts: DiscoveryParts): Discover {
  const { outbound, now, plainHttp } = parts;
  const protocol = plainHttp ? 'http:' : 'https:';
  const findServices = createServices(parts);
  const ask = (host: string, signal: AbortSignal) => askDelegation({ outbound, now, protocol }, host, signal);
  const findDelegate = createDelegationCache({ ask, now });

  /** Steps 1 and 2, and 3.1 and 3.2 for a delegate: the name says it all. */
  const placesByName = (name: string, { host, literal, port }: ServerAddress): readonly Target[] | undefined => {
    if (literal === undefined && port === undefined) return undefined;
    return [{ protocol, host: literal ?? host, port: port ?? DEFAULT_PORT, authority: name }];
  };

  /** Steps 4 to 6, and 3.3 to 3.5 for a delegate. The certificate is for the host: who wrote the records is not known. */
  const placesByRecords = async (host: string, signal: AbortSignal): Promise<readonly Target[]> => {
    const services = await findServices(host, signal);
    if (services.length === 0) return [{ protocol, host, port: DEFAULT_PORT, authority: host }];
    return services.map(({ target, port }) => ({ protocol, host: target, port, authority: host }));
  };

  return async (serverName, signal) => {
    const address = addressOf(serverName);
    const direct = placesByName(serverName, address);
    if (direct !== undefined) return direct;
    const delegate = (await findDelegate(address.host, signal)) ?? serverName;
    const place = addressOf(delegate); // a delegate's own delegation is never asked for
    return placesByName(delegate, place) ?? (await placesByRecords(place.host, signal));
  };
}
