import { LRUCache } from 'lru-cache';
import { createSingleFlight } from '../cluster/index.ts';
import { OutboundError, type Resolver, type ServiceRecord } from '../outbound/index.ts';
import { orderServices } from './order-services.ts';

/** The machines that serve a host by its SRV records, in the order in which to try them; empty when it has none. */
export type FindServices = (host: string, signal: AbortSignal) => Promise<readonly ServiceRecord[]>;

export interface ServicesParts {
  readonly resolver: Pick<Resolver, 'findServices'>;
  readonly now: () => number;
  readonly random: () => number;
}

/** The second is the older one, and deprecated since version 1.8 of the specification. */
const PREFIXES = ['_matrix-fed._tcp', '_matrix._tcp'];
const MAX_HOSTS = 10_000;
/** Node does not tell the time to live of these records. */
const KEPT_MS = 300_000;
/** So that name servers that do not answer are not waited for each time. */
const KEPT_AFTER_FAILURE_MS = 60_000;

interface Entry {
  readonly records: readonly ServiceRecord[];
  readonly endsTs: number;
}

/** Remembers what was found for five minutes. Name servers that fail count as "none" for one. */
export function createServices({ resolver, now, random }: ServicesParts): FindServices {
  const entries = new LRUCache<string, Entry>({ maxSize: MAX_HOSTS, sizeCalculation: () => 1 });
  const once = createSingleFlight<Entry>();

  const look = async (host: string, signal: AbortSignal): Promise<Entry> => {
    let keptMs = KEPT_MS;
    for (const prefix of PREFIXES) {
      try {
        const records = await resolver.findServices(`${prefix}.${host}`, signal);
        if (orderServices(records, random).length > 0) return { records, endsTs: now() + keptMs };
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error;
        keptMs = KEPT_AFTER_FAILURE_MS;
      }
    }
    return { records: [], endsTs: now() + keptMs };
  };

  return async (host, signal) => {
    const key = host.toLowerCase();
    let entry = entries.get(key);
    if (entry === undefined || now() >= entry.endsTs) {
      entry = await once(key, signal, async (shared) => {
        const found = await look(key, shared);
        entries.set(key, found);
        return found;
      });
    }
    return orderServices(entry.records, random); // the draw is anew for each who asks
  };
}
