import { connect } from 'node:net';
import type { Config } from '../../config/index.ts';
import { type Diagnosis, ok, problem, reasonOf } from './diagnosis.ts';

const PATIENCE_MS = 5_000;

/** Whether each Redis server answers a PING, where Redis is in use. */
export async function lookAtRedis({ redis }: Config): Promise<Diagnosis[]> {
  if (!redis.enabled) return [];
  return await Promise.all(redis.shards.map(({ name, addr }) => lookAt(`redis ${name}`, addr)));
}

async function lookAt(part: string, addr: string): Promise<Diagnosis> {
  try {
    const answer = await ping(addr);
    // One that wants a password is there, too.
    if (/^(\+PONG|-NOAUTH)/.test(answer)) return ok(part, `answers at ${addr}`);
    return problem(part, `${addr} answers, and not as Redis does`, 'Correct redis.shards.');
  } catch (error) {
    return problem(
      part,
      `${addr}: ${reasonOf(error)}`,
      'Start it, or correct redis.shards. Vitrine runs without it, alone.',
    );
  }
}

async function ping(addr: string): Promise<string> {
  const colon = addr.lastIndexOf(':');
  const host = colon === -1 ? addr : addr.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const port = colon === -1 ? 6379 : Number(addr.slice(colon + 1));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port }, () => socket.write('PING\r\n'));
  socket.setTimeout(PATIENCE_MS, () => reject(new Error('no answer')));
  socket.once('error', reject);
  socket.once('data', (bytes) => resolve(bytes.toString('latin1')));
  socket.once('close', () => reject(new Error('the connection was closed')));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
