import type { Log } from '../../telemetry/index.ts';
import type { Client, Place } from './make-client.ts';

/** Redis cannot be asked now, or does not do what it is asked. What it was asked may have happened all the same. */
export class RedisAway extends Error {
  override readonly name = 'RedisAway';
}

/** One Redis that is there or is not. */
export interface Link extends AsyncDisposable {
  readonly name: string;
  readonly isUp: boolean;
  /** @throws {RedisAway} at once while it is known to be away, and after the time limit at the latest */
  run<T>(command: (client: Client) => Promise<T>): Promise<T>;
  /** @param listener is called each time that it has come back */
  onUp(listener: () => void): void;
  /** Resolves when it is there, which may be never. */
  readonly settled: Promise<void>;
}

export interface LinkParts {
  readonly log: Log;
  readonly now: () => number;
  readonly timeoutMs: number;
  /** A key that may be asked for. */
  readonly probeKey: string;
}

/** So often a Redis that is away is looked for. */
const PROBE_MS = 250;
/** A Redis that comes and goes is not told of more often than this. */
const QUIET_MS = 10_000;
/** And of one that goes on saying no for the same reason, than this. */
const REFUSAL_QUIET_MS = 600_000;

export function openLink(place: Place, { log, now, timeoutMs, probeKey }: LinkParts): Link {
  const { name } = place;
  const client = place.connect();
  const listeners: (() => void)[] = [];
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  let isUp = false;
  let isClosed = false;
  let lastReason: string | undefined;
  let toldTs = Number.NEGATIVE_INFINITY;
  let isAwayTold = false;

  const tell = (message: string, reason: string) => {
    if (now() - toldTs < QUIET_MS) return;
    toldTs = now();
    log.warn({ redis: name, reason }, message);
    isAwayTold = true;
  };
  let refusedTs = Number.NEGATIVE_INFINITY;
  let refusal: string | undefined;
  const tellRefusal = (reason: string) => {
    const [kind] = reason.split(' ');
    if (kind === refusal && now() - refusedTs < REFUSAL_QUIET_MS) return;
    refusal = kind;
    refusedTs = now();
    tell('Redis refuses what it is asked to do', reason);
  };
  const goDown = (reason: string) => {
    if (isClosed) return;
    if (isUp) tell('Redis is away: until it is back, this process goes by what it knows itself', lastReason ?? reason);
    isUp = false;
  };
  const withLimit = async <T>(command: (client: Client) => Promise<T>): Promise<T> => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new Error(`It does not answer within ${timeoutMs} ms`));
    // After a look at what has come: it may be this process that had no time.
    const timer = setTimeout(() => void setImmediate(giveUp), timeoutMs);
    const answer = command(client);
    answer.catch(() => undefined); // one that comes too late is nobody's
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  let isProbing = false;
  const probe = async () => {
    if (isUp || isProbing || isClosed || client.status !== 'ready') return;
    isProbing = true;
    try {
      // A write: one that can only be read is of no use.
      await withLimit((asked) => asked.del(probeKey).catch(unlessUnsaved));
      isUp = true;
      lastReason = undefined;
      if (isAwayTold) log.info({ redis: name }, 'Redis is there');
      isAwayTold = false;
      settle();
      for (const listener of listeners) listener();
    } catch (error) {
      lastReason = reasonOf(error);
      if (!isReply(error) && !isClosed) client.disconnect(true);
    } finally {
      isProbing = false;
    }
  };
  client.on('ready', () => void probe());
  client.on('error', (error: Error) => {
    lastReason = reasonOf(error);
  });
  client.on('close', () => goDown('The connection broke'));
  const openedTs = now();
  const timer = setInterval(() => {
    const isLate = lastReason !== undefined || now() - openedTs > timeoutMs;
    if (!isUp && !isAwayTold && isLate) {
      tell('Redis is away: this process goes by what it knows itself', lastReason ?? 'No answer');
    }
    void probe();
  }, PROBE_MS);
  timer.unref();

  return {
    name,
    get isUp() {
      return isUp;
    },
    settled,
    onUp: (listener) => void listeners.push(listener),
    async run(command) {
      if (!isUp) throw new RedisAway(`Redis ${name} is away`);
      try {
        return await withLimit(command);
      } catch (error) {
        const reason = reasonOf(error);
        if (isReply(error)) tellRefusal(reason);
        else {
          lastReason = reason;
          const isFirst = isUp;
          goDown(reason);
          if (isFirst) client.disconnect(true); // what is still under way is given up with it
        }
        throw new RedisAway(`Redis ${name}: ${reason}`, { cause: error });
      }
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      isUp = false;
      clearInterval(timer);
      client.disconnect();
    },
  };
}

/** It is there, and says no. A replica does not count: it was the master until a moment ago, or the wrong one is configured. */
function isReply(error: unknown): boolean {
  const isRefusal = error instanceof Error && error.name === 'ReplyError';
  return isRefusal && !/^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY)/.test(error.message);
}

/** One that cannot save to its disk takes nothing, but passes messages on. */
function unlessUnsaved(error: unknown): void {
  if (!(isReply(error) && error instanceof Error && error.message.startsWith('MISCONF'))) throw error;
}

function reasonOf(error: unknown): string {
  const { message = '', lastNodeError } = error as { message?: string; lastNodeError?: Error };
  return lastNodeError?.message ?? message ?? String(error);
}
