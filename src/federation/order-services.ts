import type { ServiceRecord } from '../outbound/index.ts';

/** More are a mistake, or bait for a scan of somebody's ports. */
const MAX_SERVICES = 8;

/**
 * In the order in which they are tried: by priority, and among equals by chance, in proportion to their weights. "No such
 * service" is left out. RFC 2782.
 * @param random from 0 to below 1
 */
export function orderServices(records: readonly ServiceRecord[], random: () => number): ServiceRecord[] {
  const usable = records.filter(({ target, port }) => target !== '' && port > 0);
  const priorities = [...new Set(usable.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities
    .flatMap((wanted) =>
      shuffle(
        usable.filter(({ priority }) => priority === wanted),
        random,
      ),
    )
    .slice(0, MAX_SERVICES);
}

function shuffle(records: readonly ServiceRecord[], random: () => number): ServiceRecord[] {
  // Those without weight stand first, so that they have a small chance beside the others.
  const left = records.toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const ordered: ServiceRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    let drawn = Math.floor(random() * (total + 1));
    const index = left.findIndex(({ weight }) => {
      drawn -= weight;
      return drawn <= 0;
    });
    ordered.push(...left.splice(index, 1));
  }
  return ordered;
}
