import type { Bus, Locks } from '../cluster/index.ts';
import type { Database } from '../database/index.ts';
import type { Datastores } from '../datastores/index.ts';
import type { Counts } from '../telemetry/index.ts';
import type { HotObjects } from './hot-objects.ts';
import type { MediaRecords } from './media-records.ts';
import type { ReceiveBuffers } from './receive-buffers.ts';
import type { RemoteMedia } from './remote/fetch-for.ts';
import type { Usage } from './usage.ts';

/** What the rules of media stand on. */
export interface MediaParts {
  readonly database: Database;
  readonly datastores: Datastores;
  readonly locks: Locks;
  readonly bus: Bus;
  readonly records: MediaRecords;
  readonly hotObjects: HotObjects;
  readonly usage: Usage;
  readonly receiveBuffers: ReceiveBuffers;
  readonly remoteMedia: RemoteMedia;
  /** Makes media IDs. */
  readonly newUniqueId: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set: for how long something lasts. */
  readonly steadyNow: () => number;
  readonly counts?: Pick<Counts, 'cacheLooked' | 'thumbnailMade'> | undefined;
}
