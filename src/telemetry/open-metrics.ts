import type { Metrics, MetricsParts } from './metrics/metrics.ts';

/** Loads what counts and shows: who wants no metrics does not pay for it. */
export async function openMetrics(parts: MetricsParts): Promise<Metrics> {
  const { createMetrics } = await import('./metrics/metrics.ts');
  return createMetrics(parts);
}
