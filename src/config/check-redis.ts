import type { Places } from './decode.ts';
import { placeOf } from './place-of.ts';
import type { Findings } from './problems.ts';
import type { Config } from './schema.ts';

interface Checked {
  readonly config: Pick<Config, 'redis'>;
  readonly places: Places;
}

/** What of `redis` does not go together; nothing of it matters while it is not enabled. */
export function checkRedis({ config: { redis }, places }: Checked, findings: Findings): void {
  if (!redis.enabled) return;
  const refuse = (key: string, text: string) => findings.refuse(placeOf(places, key), key, text);
  const { mode, shards, databaseNumber, sentinel, tls } = redis;
  if (shards.length === 0) refuse('redis.shards', 'there is none; allowed: a list with at least one address');
  const seen = new Set<string>();
  for (const [index, { name, addr }] of shards.entries()) {
    const key = `redis.shards[${index}]`;
    if (seen.has(name)) refuse(`${key}.name`, `"${name}" is in the list already; allowed: each name once`);
    seen.add(name);
    if (mode !== 'ring' && addr.startsWith('/')) {
      refuse(`${key}.addr`, `"${addr}" is a socket; allowed with mode ${mode}: a host and a port`);
    }
  }
  if (mode === 'cluster' && databaseNumber !== 0) {
    refuse('redis.databaseNumber', `"${databaseNumber}" was found; allowed with mode cluster: 0`);
  }
  if (mode === 'sentinel' && sentinel.masterName === '') {
    refuse('redis.sentinel.masterName', 'is missing; allowed with mode sentinel: the name of the master');
  }
  if ((tls.certFile === '') !== (tls.keyFile === '')) {
    refuse('redis.tls', 'has one of certFile and keyFile; allowed: both or none');
  }
}
