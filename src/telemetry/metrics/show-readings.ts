import type { Readings } from '../counts.ts';
import type { MetricsRegistry } from './registry.ts';

/** Shows how things are at the moment when somebody asks. */
export function showReadings(registry: MetricsRegistry, readings: Readings, version: string): void {
  registry.readGauge('vitrine_build_info', () => [[{ version, node: process.version }, 1]]);
  registry.readGauge('vitrine_redis_up', () =>
    [...readings.redis()].map(({ name: redis, connection, isUp }) => [{ redis, connection }, isUp ? 1 : 0]),
  );
  registry.readGauge('vitrine_database_connections', () => {
    const { used, idle } = readings.database();
    return byState({ used, idle });
  });
  registry.readGauge('vitrine_database_waiting', () => [[{}, readings.database().waiting]]);
  registry.readGauge('vitrine_thumbnail_workers', () => {
    const { busy, idle } = readings.thumbnails();
    return byState({ busy, idle });
  });
  registry.readGauge('vitrine_thumbnail_queue', () => [[{}, readings.thumbnails().waiting]]);
  registry.readGauge('vitrine_remote_fetches', () => {
    const { running, waiting } = readings.remoteFetches();
    return byState({ running, waiting });
  });
  registry.readGauge('vitrine_processes', () => [[{}, readings.processes()]]);
  registry.readGauge('vitrine_in_charge', () => [[{}, readings.isInCharge() ? 1 : 0]]);
}

function byState(values: Readonly<Record<string, number>>) {
  return Object.entries(values).map(([state, value]) => [{ state }, value] as const);
}
