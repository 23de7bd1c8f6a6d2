import { LRUCache } from 'lru-cache';
import type { Bus } from '../cluster/index.ts';
import { RemoteUnavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';

/**
 * Leaves a server alone that has failed several times in a row: for about half a second first, then longer with each
 * failed try, up to a minute. One request at a time may try, in each process; a success ends it, for all processes.
 */
export interface Backoff {
  /** @throws {RemoteUnavailable} `left alone` */
  begin(serverName: string): Attempt;
}

/** Ends in one of three ways. */
export interface Attempt {
  succeed(): void;
  fail(): void;
  /** The asker has left, or was not allowed to ask: nothing is known about the server. */
  leave(): void;
}

export interface BackoffParts {
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Read at each failure: `federation.backoffAt`. */
  readonly failuresAllowed: () => number;
  readonly bus: Bus;
  readonly log: Log;
}

interface State {
  failures: number;
  /** Failed tries since the server is left alone; `undefined` while it is not. */
  tries: number | undefined;
  pausedUntilTs: number;
  isTrying: boolean;
}

/** What a process tells the others. Times are told as durations, because clocks differ. */
type Told =
  | { readonly serverName: string; readonly event: 'failed' }
  | { readonly serverName: string; readonly event: 'well' }
  | {
      readonly serverName: string;
      readonly event: 'paused';
      readonly failures: number;
      readonly tries: number;
      readonly pauseMs: number;
    };

/** Where the configuration says 0 or less. */
const DEFAULT_FAILURES = 20;
const FIRST_PAUSE_MS = 500;
const GROWTH = 1.5;
const LONGEST_PAUSE_MS = 60_000;
/** Servers in trouble that are remembered; the one that was not asked for longest is forgotten first. */
const MAX_SERVERS = 10_000;

export function createBackoff(parts: BackoffParts): Backoff {
  const { now, random, failuresAllowed, bus, log } = parts;
  const states = new LRUCache<string, State>({ maxSize: MAX_SERVERS, sizeCalculation: () => 1 });
  const stateOf = (key: string): State => {
    const state = states.get(key) ?? { failures: 0, tries: undefined, pausedUntilTs: 0, isTrying: false };
    states.set(key, state);
    return state;
  };
  const tell = (told: Told) => bus.publish('server_trouble', JSON.stringify(told));
  bus.hearOthers('server_trouble', (message) => {
    const told = JSON.parse(message) as Told; // by another process of ours
    const key = told.serverName.toLowerCase();
    if (told.event === 'well') return void states.delete(key);
    if (told.event === 'failed') stateOf(key).failures += 1;
    if (told.event !== 'paused') return; // or what a newer version says
    const { failures, tries, pauseMs } = told;
    Object.assign(stateOf(key), { failures, tries, pausedUntilTs: now() + pauseMs });
  });

  const pause = (serverName: string, state: State, tries: number) => {
    const pauseMs = pauseAfter(tries, random());
    state.tries = tries;
    state.pausedUntilTs = now() + pauseMs;
    tell({ serverName, event: 'paused', failures: state.failures, tries, pauseMs });
    if (tries === 0)
      log.warn({ serverName, failures: state.failures }, 'A server fails, and is left alone for a while');
  };

  return {
    begin(serverName) {
      const key = serverName.toLowerCase();
      const before = states.get(key);
      const isTry = before?.tries !== undefined;
      if (before !== undefined && isTry) {
        const waitMs = before.pausedUntilTs - now();
        if (before.isTrying || waitMs > 0) throw new RemoteUnavailable(serverName, 'left alone', {}, waitMs);
        before.isTrying = true;
      }
      const end = () => {
        if (before !== undefined && isTry) before.isTrying = false;
      };
      return {
        succeed() {
          end();
          if (isTry) log.info({ serverName }, 'The server answers again');
          if (states.delete(key)) tell({ serverName, event: 'well' });
        },
        fail() {
          end();
          const state = stateOf(key);
          state.failures += 1;
          const allowed = failuresAllowed() > 0 ? failuresAllowed() : DEFAULT_FAILURES;
          if (state.tries === undefined && state.failures >= allowed) pause(serverName, state, 0);
          // Requests that began before the pause do not make it longer.
          else if (state.tries !== undefined && isTry) pause(serverName, state, state.tries + 1);
          else if (state.tries === undefined) tell({ serverName, event: 'failed' });
        },
        leave: end,
      };
    },
  };
}

/** Up to half as long and half as long again, so that many who wait do not come back together. */
function pauseAfter(tries: number, drawn: number): number {
  const ms = Math.min(FIRST_PAUSE_MS * GROWTH ** tries, LONGEST_PAUSE_MS);
  return Math.min(ms * (0.5 + drawn), LONGEST_PAUSE_MS);
}
