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
  /** Called when many records may have changed, for those who remember them. */
  readonly forgetRecords: () => void;
  /** As `forgetRecords`, of one media: called as soon as its row is gone. */
  readonly forgetRecord: (uri: { readonly origin: string; readonly mediaId: string }) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}
