import type { Bus } from '../cluster/index.ts';
import type { Database } from '../database/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { TaskKind } from './task-kind.ts';

export interface TasksParts {
  readonly database: Database;
  /** Tells the process that runs tasks of new ones at once. */
  readonly bus: Bus;
  /** What this process can run. Tasks of other kinds are left to others. */
  readonly kinds: readonly TaskKind[];
  /** Whether this process is to run tasks now. Of those that think so, one at a time does. */
  readonly isInCharge: () => boolean;
  readonly maxRunning: () => number;
  readonly newUniqueId: () => string;
  readonly now: () => number;
  readonly log: Log;
}
