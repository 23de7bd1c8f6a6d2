import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { type ClientConfig, Pool, type PoolClient } from 'pg';
import { Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { DatabaseLoad } from './database.ts';
import { asQueryError, unavailable } from './postgres-errors.ts';

export interface PoolLimits {
  /** 0 or less: no limit. */
  readonly maxConnections: number;
  /** Idle connections beyond it are closed as they come back. 0 or less: all are. */
  readonly maxIdleConnections: number;
}

export interface LoadedPool extends PostgresPool {
  load(): DatabaseLoad;
}

/**
 * Connections for Kysely. A broken one is dropped and the next query makes a new one, so a server that was away is
 * used again as soon as it is back. What fails, fails in the words of this room.
 */
export function createPostgresPool(config: ClientConfig, limits: PoolLimits, log: Log): LoadedPool {
  const pool = new Pool({
    ...config,
    max: limits.maxConnections > 0 ? limits.maxConnections : Number.POSITIVE_INFINITY,
    idleTimeoutMillis: 0,
  });
  pool.on('error', (error) => log.warn({ reason: error.message }, 'An idle connection to PostgreSQL broke'));
  // A connection that breaks in use rejects its query; without a listener it would end the process as well.
  pool.on('connect', (client) => client.on('error', () => undefined));

  const wrapped = new WeakMap<PoolClient, PostgresPoolClient>();
  const wrap = (client: PoolClient): PostgresPoolClient => {
    const known = wrapped.get(client);
    if (known !== undefined) return known;
    const made = withOurErrors(client, () => pool.waitingCount === 0 && pool.idleCount >= limits.maxIdleConnections);
    wrapped.set(client, made);
    return made;
  };

  let ended: Promise<void> | undefined;
  return {
    options: pool.options,
    async connect() {
      try {
        return wrap(await pool.connect());
      } catch (error) {
        throw unavailable(error);
      }
    },
    load() {
      const { totalCount, idleCount: idle, waitingCount: waiting } = pool;
      return { used: totalCount - idle, idle, waiting };
    },
    end() {
      ended ??= pool.end();
      return ended;
    },
  };
}

function withOurErrors(client: PoolClient, isSurplus: () => boolean): PostgresPoolClient {
  let isLost = false;
  async function query(...call: unknown[]): Promise<unknown> {
    try {
      return await Reflect.apply(client.query, client, call);
    } catch (error) {
      const told = asQueryError(error);
      // A server that goes says so before it hangs up: until then the connection looks fit for the next query.
      isLost ||= told instanceof Unavailable;
      throw told;
    }
  }
  return {
    query: query as PostgresPoolClient['query'], // cursors, its other form, are not used
    release: (destroy) => client.release(destroy === true || isLost || isSurplus()),
  };
}
