import type { Locks } from '../cluster/index.ts';
import type { Database } from '../database/index.ts';
import type { Datastores } from '../datastores/index.ts';
import type { Log } from '../telemetry/index.ts';

/** What keeping records and objects in order stands on. */
export interface UpkeepParts {
  readonly database: Database;
  readonly datastores: Datastores;
  /** The same ones that uploads take. */
  readonly locks: Locks;
  /** Called after records have changed, for those who remember them. */
  readonly forgetRecords: () => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}
