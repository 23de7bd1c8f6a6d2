import { LRUCache } from 'lru-cache';
import { DecoratorHandler, type Dispatcher, Pool } from 'undici';
import type { Connector } from './connector.ts';
import { describeExchangeError } from './describe-trouble.ts';
import { keyOf, type Target } from './target.ts';

/** Open connections, by target. */
export interface Pools extends AsyncDisposable {
  of(target: Target): Dispatcher;
}

export interface PoolOptions {
  /** To one target; requests beyond that wait. */
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
}

/** Targets that are remembered. One that is not asked any more keeps no connection, only its entry. */
const MAX_TARGETS = 500;
const IDLE_MS = 10_000;
/** Servers may ask for longer. */
const MAX_IDLE_MS = 60_000;

export function createPools(connect: Connector, options: PoolOptions): Pools {
  const pools = new LRUCache<string, { readonly pool: Pool; readonly dispatcher: Dispatcher }>({
    max: MAX_TARGETS,
    dispose: ({ pool }) => void pool.close().catch(() => undefined), // requests under way are finished first
  });
  return {
    of(target) {
      const key = keyOf(target);
      const known = pools.get(key);
      if (known !== undefined) return known.dispatcher;
      const pool = openPool(target, connect, options);
      const dispatcher = pool.compose((dispatch) => (request, handler) => {
        return dispatch(request, new TroubleHandler(handler, target.authority));
      });
      pools.set(key, { pool, dispatcher });
      return dispatcher;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.destroy()));
    },
  };
}

function openPool(target: Target, connect: Connector, { maxConnections, maxHeaderBytes }: PoolOptions): Pool {
  return new Pool(`${target.protocol}//${target.authority}`, {
    connections: maxConnections,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: MAX_IDLE_MS,
    allowH2: false,
    connect: (_options, callback) => {
      connect(target).then(
        (socket) => callback(null, socket),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
      );
    },
  });
}

/** Tells in the words of this room what went wrong, before and within the body. */
class TroubleHandler extends DecoratorHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #place: string;
  constructor(handler: Dispatcher.DispatchHandler, place: string) {
    super(handler);
    this.#handler = handler;
    this.#place = place;
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    const described = describeExchangeError(error, this.#place);
    this.#handler.onResponseError?.(controller, described instanceof Error ? described : error);
  }
}
