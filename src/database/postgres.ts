import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import { Client, type ClientConfig } from 'pg';
import { orAborted } from '../waiting/index.ts';
import type { Database, DatabaseOptions } from './database.ts';
import { ConditionFailed } from './errors.ts';
import { migratePostgres } from './migrations/migrate-postgres.ts';
import { cancelRunning } from './postgres-cancel.ts';
import { makeClientConfig } from './postgres-config.ts';
import { asRefusal, isWorthWaiting, stopping, unavailable, wasRolledBack } from './postgres-errors.ts';
import { createPostgresPool } from './postgres-pool.ts';
import { createPreparedStatements } from './prepared-statements.ts';
import type { Tables } from './tables.ts';

const LONGEST_PAUSE_MS = 5_000;
const SHORTEST_PAUSE_MS = 250;
const COMPLAIN_EVERY_MS = 10_000;

export interface PostgresOptions extends DatabaseOptions {
  readonly dsn: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Waits for the server, brings its tables up to date, and opens a pool of connections to it. */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const config = makeClientConfig(options.dsn, options.env);
  await untilThere(options, config, () =>
    withConnection(config, options, (client) => migratePostgres(client, options.log)),
  );

  const pool = createPostgresPool(config, options.pool, options.log);
  const { querySeconds, maintenanceSeconds } = options.timeouts;
  // Not for maintenance: what reads much is better planned for the values that it has.
  const statements = options.preparedStatements === true ? createPreparedStatements(options.log) : undefined;
  const ending = new AbortController();
  const hurry = (withinMs: number) => {
    setTimeout(() => ending.abort(stopping()), withinMs).unref();
  };
  const patient = (asked: AbortSignal): Database => {
    const signal = AbortSignal.any([asked, ending.signal]);
    return {
      ...asDatabase(pool.withLimits({ timeoutMs: maintenanceSeconds * 1000, signal })),
      load: pool.load,
      patient,
      hurry,
      [Symbol.asyncDispose]: async () => undefined,
    };
  };
  return {
    ...asDatabase(pool.withLimits({ timeoutMs: querySeconds * 1000, signal: ending.signal }, statements)),
    load: pool.load,
    patient,
    hurry,
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

function asDatabase(pool: PostgresPool): Pick<Database, 'db' | 'engine' | 'atomically' | 'check'> {
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    engine: 'postgres',
    async atomically(queries, conditions = []) {
      const compiled = queries.map((query) => query.compile());
      const [first, ...others] = compiled;
      if (first === undefined) return;
      if (others.length === 0 && conditions.length === 0) {
        await db.executeQuery(first);
        return;
      }
      const required = conditions.map((condition) => condition.compile());
      const run = () =>
        db.transaction().execute(async (transaction) => {
          for (const condition of required) {
            const { rows } = await transaction.executeQuery(condition);
            if (rows.length === 0) throw new ConditionFailed('What was found has changed since');
          }
          for (const query of compiled) await transaction.executeQuery(query);
        });
      await againWhenRolledBack(run);
    },
    async check(signal) {
      await orAborted(sql`select 1`.execute(db), signal).catch((error: unknown) => {
        throw signal.aborted ? unavailable(error) : error;
      });
    },
  };
}

const MAX_ROLLED_BACK = 3;

/** Of two transactions that wait for each other the server ends one: then nothing of it has taken effect. */
async function againWhenRolledBack(run: () => Promise<void>): Promise<void> {
  for (let times = 1; ; times += 1) {
    try {
      return await run();
    } catch (error) {
      if (times > MAX_ROLLED_BACK || !wasRolledBack(error)) throw error;
    }
  }
}

/** Tries again, ever more slowly, while the trouble is of a kind that passes. */
async function untilThere(
  { log, now, signal }: PostgresOptions,
  config: ClientConfig,
  attempt: () => Promise<void>,
): Promise<void> {
  const sinceTs = now();
  let complainTs = sinceTs;
  for (let pauseMs = SHORTEST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      await attempt();
      if (complainTs > sinceTs) log.info('PostgreSQL is there');
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isWorthWaiting(error)) throw asRefusal(error);
      if (now() >= complainTs) {
        const { host, port, database } = config;
        log.warn({ host, port, database, reason: reasonOf(error) }, 'Waiting for PostgreSQL');
        complainTs = now() + COMPLAIN_EVERY_MS;
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** The connection errors of the driver carry the client, and with it more than a log should hold. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

async function withConnection(
  config: ClientConfig,
  { signal }: PostgresOptions,
  use: (client: Client) => Promise<void>,
): Promise<void> {
  const client = new Client(config);
  // What breaks the connection also rejects what waits for it.
  client.on('error', () => undefined);
  try {
    await orAborted(
      client.connect().then(() => use(client)),
      signal,
    );
  } finally {
    // A migration has no limit of its own: indexes on millions of rows take their time. But it does not outlive its asker.
    if (signal.aborted) await cancelRunning(config, client);
    // Not awaited: a server that does not answer would not answer this either.
    void client.end().catch(() => undefined);
  }
}
