import type { Locks } from '../cluster/index.ts';
import type { Database } from '../database/index.ts';
import type { Datastores } from '../datastores/index.ts';

/** What the rules of media stand on. */
export interface MediaParts {
  readonly database: Database;
  readonly datastores: Datastores;
  readonly locks: Locks;
  /** Makes media IDs. */
  readonly newUniqueId: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
