import type { PostgresPoolClient } from 'kysely';
import type { PoolClient } from 'pg';
import { Unavailable } from '../matrix/index.ts';
import { asQueryError, overdue } from './postgres-errors.ts';
import type { PreparedStatements } from './prepared-statements.ts';

/** How long a query may take. */
export interface QueryLimits {
  readonly timeoutMs: number;
  /** Ends a query that runs, and refuses the next ones. */
  readonly signal: AbortSignal;
}

export interface LimitedClientParts {
  readonly limits: QueryLimits;
  /** `undefined`: every query is asked without a name. */
  readonly statements: PreparedStatements | undefined;
  /** Whether a connection that comes back is one too many. */
  readonly isSurplus: () => boolean;
  /** Has the server end what it does for this client. Must not throw. */
  readonly cancel: (client: PoolClient) => Promise<void>;
  /** Called for a query that took too long. */
  readonly tellOverdue: (query: string) => void;
}

/**
 * A connection whose queries end in time. One with a query that was given up is closed: its answer may still come. What fails,
 * fails in the words of this room.
 */
export function limitClient(client: PoolClient, parts: LimitedClientParts): PostgresPoolClient {
  const { limits, statements, isSurplus, cancel, tellOverdue } = parts;
  let isLost = false;
  let givenUp: GivenUp | undefined;
  let cancelling: Promise<void> | undefined;

  let isInTransaction = false;

  /** In a transaction without names: one that is refused would end it. */
  async function ask(call: readonly unknown[]): Promise<unknown> {
    const [text, values] = call;
    if (typeof text !== 'string') return await Reflect.apply(client.query, client, call);
    if (STARTS.test(text)) isInTransaction = true;
    if (ENDS.test(text)) isInTransaction = false;
    const name = isInTransaction ? undefined : statements?.nameOf(text);
    if (name !== undefined) {
      try {
        return await client.query({ name, text, values: values as unknown[] }); // Kysely gives the two
      } catch (error) {
        if (statements?.isRefused(error) !== true) throw error;
      }
    }
    return await Reflect.apply(client.query, client, call);
  }
  async function query(...call: unknown[]): Promise<unknown> {
    // Such as the "rollback" of a transaction that was given up: it would wait behind what it is to end.
    if (givenUp !== undefined) throw givenUp.reason;
    limits.signal.throwIfAborted();
    const [ended, stopWatching] = watch(limits);
    try {
      const outcome = await Promise.race([ask(call), ended]);
      if (!(outcome instanceof GivenUp)) return outcome;
      givenUp = outcome;
      cancelling = cancel(client);
      if (!limits.signal.aborted) tellOverdue(String(call[0]));
      throw outcome.reason;
    } catch (error) {
      if (givenUp !== undefined) throw error;
      const told = asQueryError(error);
      // A server that goes says so before it hangs up: until then the connection looks fit for the next query.
      isLost ||= told instanceof Unavailable;
      throw told;
    } finally {
      stopWatching();
    }
  }
  return {
    query: query as PostgresPoolClient['query'], // cursors, its other form, are not used
    release(destroy) {
      // The connection counts until the server has let go of the query too, so that these do not pile up there.
      if (cancelling !== undefined) void cancelling.then(() => client.release(true));
      else client.release(destroy === true || isLost || isSurplus());
    },
  };
}

const STARTS = /^(?:begin|start transaction)\b/i;
const ENDS = /^(?:commit|rollback)\b/i;

class GivenUp {
  readonly reason: unknown;
  constructor(reason: unknown) {
    this.reason = reason;
  }
}

function watch({ timeoutMs, signal }: QueryLimits): [ended: Promise<GivenUp>, stop: () => void] {
  const { promise, resolve } = Promise.withResolvers<GivenUp>();
  const end = (reason: unknown) => resolve(new GivenUp(reason));
  // A process that had no time for a while looks first whether the answer has come.
  const timer = setTimeout(() => setImmediate(end, overdue(timeoutMs)), timeoutMs);
  const onAbort = () => end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const stop = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return [promise, stop];
}
