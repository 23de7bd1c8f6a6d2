import type { Counts, Readings } from '../counts.ts';
import type { Log } from '../log.ts';
import { createCounts } from './create-counts.ts';
import { listenForScrapes, type MetricsListener } from './listener.ts';
import { createRegistry } from './registry.ts';
import { showReadings } from './show-readings.ts';

/** The metrics of this process, for Prometheus. */
export interface Metrics {
  readonly counts: Counts;
  /** To be called once, when all the parts are there. @throws when the address cannot be had */
  serve(address: { readonly host: string; readonly port: number }, readings: Readings): Promise<MetricsListener>;
}

export interface MetricsParts {
  /** Of this program. */
  readonly version: string;
  /** Names of the servers that we belong to. */
  readonly ownServers: readonly string[];
  readonly log: Log;
}

export function createMetrics({ version, ownServers, log }: MetricsParts): Metrics {
  const registry = createRegistry();
  return {
    counts: createCounts(registry, ownServers),
    async serve(address, readings) {
      showReadings(registry, readings, version);
      return await listenForScrapes({ ...address, registry, log });
    },
  };
}
