import { lookAtRedis as ping } from '../../cluster/index.ts';
import type { Config } from '../../config/index.ts';
import { type Diagnosis, ok, problem, reasonOf } from './diagnosis.ts';

const PATIENCE_MS = 5_000;

/** Whether each Redis server answers and lets us in, where Redis is in use. */
export async function lookAtRedis({ redis }: Config): Promise<Diagnosis[]> {
  if (!redis.enabled) return [];
  try {
    const places = await ping(redis, PATIENCE_MS);
    return places.map(({ name, trouble }) =>
      trouble === undefined
        ? ok(`redis ${name}`, 'answers, and lets us in')
        : problem(`redis ${name}`, trouble, 'Start it, or correct the section redis. Vitrine runs without it, alone.'),
    );
  } catch (error) {
    return [problem('redis', reasonOf(error), 'Correct redis.tls: the files have to be readable.')];
  }
}
