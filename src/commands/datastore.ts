import { setTimeout } from 'node:timers/promises';
import { createCharge, createTasks, type Task, type Tasks } from '../tasks/index.ts';
import {
  EVERYTHING_BEFORE_TS,
  STORAGE_MIGRATION,
  type StorageMigrationParams,
  storageMigration,
} from '../upkeep/index.ts';
import type { Command, CommandIo } from './command.ts';
import { explainError } from './explain-error.ts';
import { parseFlags, UsageError } from './flags.ts';
import { listenForInterrupt } from './interrupt.ts';
import { openStorage, type Storage, StorageProblem } from './open-storage.ts';
import { createProgressLine, drawBar, formatBytes } from './progress-line.ts';

const LOOK_EVERY_MS = 500;

/** `vitrine datastore transfer`. */
export const datastore: Command = {
  summary: 'Move objects from one datastore to another',
  usage: `Usage: vitrine datastore transfer FROM TO [--unused-since TIME] [--config PATH]

Moves the objects of the datastore FROM to the datastore TO; both have to be configured, and are named by their IDs. Each
object is copied, the copy is checked, the records are pointed at it, then the original is deleted. Exported archives stay.
tasks.transferObjectsAtOnce and tasks.transferBytesPerSecond limit how fast it goes.

With PostgreSQL a running Vitrine does the work, and this command watches it; without one, it works itself. With SQLite
Vitrine has to be stopped, or asked over its API. An interrupted transfer goes on when Vitrine or this command runs again.

  --unused-since TIME  only what nobody has used since then, such as 2026-01-31 or 2026-01-31T12:00:00Z
  --config PATH        a file, or a folder of files. Without it: REPO_CONFIG, else ./media-repo.yaml,
                       else ./data/media-repo.yaml

Exit codes: 0 all is moved, 1 something is not, 2 called wrongly
`,
  async run(args, io) {
    const { values, words } = parseFlags(args, { 'unused-since': { type: 'string' }, config: { type: 'string' } });
    const [action, from, to, ...others] = words;
    if (action !== 'transfer') throw new UsageError('say "transfer"');
    if (from === undefined || to === undefined || others.length > 0) throw new UsageError('name two datastores');
    if (from === to) throw new UsageError('FROM and TO are the same');
    const beforeTs = parseTime(values['unused-since']);
    using interrupted = listenForInterrupt();
    try {
      await using storage = await openStorage(values.config, io, interrupted.signal);
      refuseUnknown(storage, [from, to]);
      const params = { source_datastore_id: from, target_datastore_id: to, before_ts: beforeTs };
      return await transfer(storage, params, io, interrupted.signal);
    } catch (error) {
      const explained = explainError(error);
      if (explained === undefined) throw error;
      io.stderr(`${explained}\n`);
      return 1;
    }
  },
};

function parseTime(text: string | undefined): number {
  if (text === undefined) return EVERYTHING_BEFORE_TS;
  const ts = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ts)) throw new UsageError(`--unused-since "${text}" is not a time such as 2026-01-31`);
  return ts;
}

function refuseUnknown({ config, datastores }: Storage, ids: readonly string[]): void {
  for (const id of ids) {
    if (datastores.find(id) !== undefined) continue;
    const known = config.allDatastores.map((one) => one.id).join(', ');
    throw new StorageProblem(`There is no datastore "${id}". These are configured: ${known}`);
  }
}

async function transfer(
  storage: Storage,
  params: StorageMigrationParams,
  io: CommandIo,
  signal: AbortSignal,
): Promise<number> {
  const elapsedMs = () => performance.now();
  await using charge = createCharge({ ...storage, holder: storage.newUniqueId(), isInCharge: () => true, elapsedMs });
  await using tasks = createTasks({
    ...storage,
    kinds: [storageMigration({ ...storage, limits: () => storage.config.tasks, elapsedMs })],
    charge,
    maxRunning: () => 1,
    elapsedMs,
  });
  const id = (await findSame(tasks, params)) ?? (await tasks.start(STORAGE_MIGRATION, params));
  const line = createProgressLine(io);
  let task = await tasks.find(id);
  while (task?.endTs === undefined && !signal.aborted) {
    line.show(describe(task));
    await setTimeout(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    task = await tasks.find(id);
  }
  line.clear();
  if (task?.endTs === undefined) {
    io.stderr(`Interrupted. The transfer (task ${id}) goes on when Vitrine or this command runs again.\n`);
    return 1;
  }
  const { done = 0, failed = 0 } = task.progress ?? {};
  if (task.error === '' || failed > 0) io.stdout(`Moved ${formatBytes(done)} from ${describeWay(params)}\n`);
  if (task.error !== '') io.stderr(`${task.error}\n`);
  return task.error === '' ? 0 : 1;
}

/** One that was interrupted, or that a running Vitrine is about to do. */
async function findSame(tasks: Tasks, wanted: StorageMigrationParams): Promise<number | undefined> {
  const unfinished = await tasks.list('unfinished');
  const same = unfinished.find(({ name, params }) => {
    const { source_datastore_id, target_datastore_id, before_ts } = Object(params) as Partial<StorageMigrationParams>;
    const isSameWay =
      source_datastore_id === wanted.source_datastore_id && target_datastore_id === wanted.target_datastore_id;
    return name === STORAGE_MIGRATION && isSameWay && before_ts === wanted.before_ts;
  });
  return same?.id;
}

function describe(task: Task | undefined): string {
  if (task?.progress === undefined)
    return 'Waits until it is its turn; after a crash of what did it, for half a minute';
  const { done, total, failed = 0 } = task.progress;
  const left = failed > 0 ? `, ${failed} objects left behind` : '';
  return drawBar(done, total, `${formatBytes(done)} of ${formatBytes(total)}${left}`);
}

function describeWay({ source_datastore_id, target_datastore_id }: StorageMigrationParams): string {
  return `${source_datastore_id} to ${target_datastore_id}`;
}
