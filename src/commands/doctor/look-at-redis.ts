import { lookAtRedis as tryOut } from '../../cluster/index.ts';
import type { Config } from '../../config/index.ts';
import { type Diagnosis, ok, problem, reasonOf, warning } from './diagnosis.ts';

const PATIENCE_MS = 5_000;

/** Whether each Redis server does what the service asks of it, where Redis is in use. */
export async function lookAtRedis({ redis }: Config): Promise<Diagnosis[]> {
  if (!redis.enabled) return [];
  try {
    const places = await tryOut(redis, PATIENCE_MS);
    return places.map(({ name, trouble, willRefuse }) => {
      const part = `redis ${name}`;
      if (trouble !== undefined) return problem(part, trouble, adviceFor(trouble));
      if (willRefuse) return warning(part, 'it refuses what is new when its memory is full', EVICT);
      return ok(part, 'keeps, runs and passes on what it is asked to');
    });
  } catch (error) {
    return [problem('redis', reasonOf(error), 'Correct redis.tls: the files have to be readable.')];
  }
}

const EVICT = 'Set maxmemory-policy allkeys-lru in its configuration: Vitrine keeps nothing there that has to be kept.';

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^READONLY/, 'It is a replica: name the master, or use mode: sentinel.'],
  [/^OOM/, EVICT],
  [/^MISCONF/, 'It cannot save to its disk: make room there, or switch saving off, which Vitrine does not need.'],
  [/^NOPERM/, 'Give the user the rights that docs/scaling.md lists.'],
];

function adviceFor(trouble: string): string {
  const known = ADVICE.find(([pattern]) => pattern.test(trouble))?.[1];
  return known ?? 'Start it, or correct the section redis. Vitrine runs without it, each process for itself.';
}
