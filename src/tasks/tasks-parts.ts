import type { Bus } from '../cluster/index.ts';
import type { Database } from '../database/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Charge } from './charge.ts';
import type { TaskKind } from './task-kind.ts';

export interface TasksParts {
  readonly database: Database;
  /** Tells the process that runs tasks of new ones at once. */
  readonly bus: Bus;
  /** What this process can run. Tasks of other kinds are left to others. */
  readonly kinds: readonly TaskKind[];
  /** Whoever has it runs the tasks. */
  readonly charge: Charge;
  readonly maxRunning: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that only move on. */
  readonly elapsedMs: () => number;
  readonly log: Log;
}
