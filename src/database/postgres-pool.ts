import { Socket } from 'node:net';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { type ClientConfig, Pool, type PoolClient } from 'pg';
import type { Log } from '../telemetry/index.ts';
import { orAborted } from '../waiting/index.ts';
import type { DatabaseLoad } from './database.ts';
import { cancelRunning } from './postgres-cancel.ts';
import { type LimitedClientParts, limitClient, type QueryLimits } from './postgres-client.ts';
import { allInUse, unavailable } from './postgres-errors.ts';
import type { PreparedStatements } from './prepared-statements.ts';

export interface PoolLimits {
  /** 0 or less: no limit. */
  readonly maxConnections: number;
  /** Idle connections beyond it are closed as they come back. 0 or less: all are. */
  readonly maxIdleConnections: number;
}

export interface LimitedPool {
  /** Its connections, for Kysely, whose queries have these limits. */
  withLimits(limits: QueryLimits, statements?: PreparedStatements): PostgresPool;
  load(): DatabaseLoad;
  /** Waits for what is under way, for a moment. */
  end(): Promise<void>;
}

/** So long a server that says nothing more is waited for at the end. */
const END_MS = 5_000;
const MAX_TOLD_QUERY = 200;

/**
 * Connections that several share. A broken one is dropped and the next query makes a new one, so a server that was away is
 * used again as soon as it is back.
 */
export function createPostgresPool(config: ClientConfig, limits: PoolLimits, log: Log): LimitedPool {
  const sockets = new Set<Socket>();
  const openSocket = () => {
    const socket = new Socket();
    sockets.add(socket);
    return socket.once('close', () => sockets.delete(socket));
  };
  const pool = new Pool({
    ...config,
    stream: openSocket,
    max: limits.maxConnections > 0 ? limits.maxConnections : Number.POSITIVE_INFINITY,
    idleTimeoutMillis: 0,
  });
  pool.on('error', (error) => log.warn({ reason: error.message }, 'An idle connection to PostgreSQL broke'));
  // A connection that breaks in use rejects its query; without a listener it would end the process as well.
  pool.on('connect', (client) => client.on('error', () => undefined));

  const connect = async (signal: AbortSignal) => {
    signal.throwIfAborted();
    const connecting = pool.connect();
    try {
      return await orAborted(connecting, signal);
    } catch (error) {
      if (signal.aborted) {
        connecting.then((client) => client.release(), ignore); // it comes for nobody
        throw error;
      }
      throw isWaitOver(error) ? allInUse(error) : unavailable(error);
    }
  };
  let ended: Promise<void> | undefined;
  const end = async () => {
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, END_MS);
    timer.unref(); // the sockets keep the process, as long as there are any
    await pool.end();
  };
  return {
    withLimits(queryLimits, statements) {
      const parts: LimitedClientParts = {
        limits: queryLimits,
        statements,
        isSurplus: () => pool.waitingCount === 0 && pool.idleCount >= limits.maxIdleConnections,
        cancel: (client) => cancelRunning(config, client),
        tellOverdue: (query) => {
          const about = { seconds: queryLimits.timeoutMs / 1000, query: query.slice(0, MAX_TOLD_QUERY) };
          log.warn(about, 'PostgreSQL did not answer a query in time: it is cancelled, and its connection closed');
        },
      };
      const limited = new WeakMap<PoolClient, PostgresPoolClient>();
      return {
        options: pool.options,
        async connect() {
          const client = await connect(queryLimits.signal);
          const known = limited.get(client) ?? limitClient(client, parts);
          limited.set(client, known);
          return known;
        },
        end: async () => undefined, // the connections are not its own
      };
    },
    load() {
      const { totalCount, idleCount: idle, waitingCount: waiting } = pool;
      return { used: totalCount - idle, idle, waiting };
    },
    end: () => (ended ??= end()),
  };
}

function ignore(): void {}

/** How `pg-pool` says that all connections were in use for as long as a new one may take to make. */
function isWaitOver(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect';
}
