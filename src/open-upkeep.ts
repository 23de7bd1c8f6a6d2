import type { Bus } from './cluster/index.ts';
import type { Config } from './config/index.ts';
import { createCharge, createTasks, startRecurring, type Tasks } from './tasks/index.ts';
import { retentionJobs, storageMigration, type UpkeepParts } from './upkeep/index.ts';

export interface OpenUpkeepParts extends UpkeepParts {
  readonly bus: Bus;
  /** Whether this process is to do what one does for all. */
  readonly isInCharge: () => boolean;
  readonly newUniqueId: () => string;
  /** Milliseconds that only move on. */
  readonly elapsedMs: () => number;
}

/** What keeps records and objects in order: tasks that operators start, and what is done again and again. Dispose it. */
export interface OpenUpkeep extends AsyncDisposable {
  readonly tasks: Tasks;
}

export function openUpkeep(config: () => Config, parts: OpenUpkeepParts): OpenUpkeep {
  const stack = new AsyncDisposableStack();
  const charge = stack.use(createCharge({ ...parts, holder: parts.newUniqueId() }));
  const kinds = [storageMigration({ ...parts, limits: () => config().tasks })];
  const tasks = stack.use(createTasks({ ...parts, kinds, charge, maxRunning: () => config().tasks.numWorkers }));
  const jobs = retentionJobs({
    ...parts,
    ourOrigins: () => [...config().domains.values()].map(({ serverName }) => serverName),
    expireAfterDays: () => expiriesOf(config()),
  });
  stack.use(startRecurring({ ...parts, jobs, charge }));
  return { tasks, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function expiriesOf({ downloads, thumbnails, urlPreviews }: Config) {
  return {
    remoteMedia: downloads.expireAfterDays,
    thumbnails: thumbnails.expireAfterDays,
    previews: urlPreviews.expireAfterDays,
  };
}
