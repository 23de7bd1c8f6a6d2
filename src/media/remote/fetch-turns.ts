import { createTurns, type Turns } from '../../cluster/index.ts';
import type { ServerName } from '../../matrix/index.ts';

/** How many may fetch at once. */
export interface FetchLimits {
  /** 0 or less: no limit. */
  readonly all: number;
  /** From one server, so that a slow one does not take all turns. 0 or less: no limit. */
  readonly perServer: number;
}

/** Lets so many fetch at once; the others wait, in the order in which they came. */
export interface FetchTurns {
  /** @param limits of now. @throws the signal's reason when it aborts first */
  take(serverName: ServerName, limits: FetchLimits, signal: AbortSignal): Promise<Disposable>;
  /** As it is now. */
  readonly load: FetchLoad;
}

export interface FetchLoad {
  readonly running: number;
  readonly waiting: number;
}

export function createFetchTurns(): FetchTurns {
  const all = createTurns();
  const ofServers = new Map<string, { readonly turns: Turns; members: number }>();
  let running = 0;
  let waiting = 0;
  return {
    get load() {
      return { running, waiting };
    },
    async take(serverName, limits, signal) {
      using stack = new DisposableStack();
      const key = serverName.toLowerCase();
      const server = ofServers.get(key) ?? { turns: createTurns(), members: 0 };
      ofServers.set(key, server);
      server.members += 1;
      stack.defer(() => {
        server.members -= 1;
        if (server.members === 0) ofServers.delete(key);
      });
      waiting += 1;
      try {
        stack.use(await server.turns.take(limits.perServer, signal));
        stack.use(await all.take(limits.all, signal));
      } finally {
        waiting -= 1;
      }
      running += 1;
      stack.defer(() => {
        running -= 1;
      });
      return stack.move();
    },
  };
}
