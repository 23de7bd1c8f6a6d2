import { findTasks, finishTask, insertTaskState, saveTaskProgress, type TaskRow } from '../database/index.ts';
import { Unavailable } from '../matrix/index.ts';
import type { TaskKind, TaskProgress } from './task-kind.ts';
import type { TasksParts } from './tasks-parts.ts';

/** Runs the tasks that are not finished, in the order of their making. */
export interface TaskRunner extends AsyncDisposable {
  /** Looks for something to do now, and not only with the next of its regular looks. */
  look(): void;
}

const LOOK_EVERY_MS = 5_000;
const SAVE_EVERY_MS = 2_000;
const TRY_AGAIN_AFTER_MS = 30_000;
/** matrix-media-repo leaves tasks alone that are older, and never ends them. */
const STALE_AFTER_MS = 3_600_000;

const CANCELLED = 'cancelled';
const STALE = 'abandoned: matrix-media-repo began it more than an hour ago and did not finish it';

interface Running {
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

/** Why a task is interrupted without having come to its end. */
class Interrupted extends Error {}
class Cancelled extends Error {}

export function createTaskRunner(parts: TasksParts): TaskRunner {
  const { database, now, elapsedMs, log } = parts;
  const { db } = database;
  const kinds = new Map(parts.kinds.map((kind) => [kind.name, kind]));
  const running = new Map<number, Running>();
  const tryAgainMs = new Map<number, number>();
  const unknown = new Set<number>();
  let isStopping = false;

  const finish = async (row: TaskRow, error: string) => {
    await database.atomically([finishTask(db, row.id, now(), error)]);
    const about = { task: row.task, taskId: row.id };
    if (error === '') log.info(about, 'A task is done');
    else log.warn({ ...about, reason: error }, 'A task has ended before its work was done');
  };

  const begin = (row: TaskRow, kind: TaskKind, charge: AbortSignal) => {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, charge]);
    const ended = run(parts, row, kind, signal)
      .then(async (error) => {
        if (error !== undefined) await finish(row, error);
        else if (!signal.aborted) tryAgainMs.set(row.id, elapsedMs() + TRY_AGAIN_AFTER_MS);
      })
      .catch((error: unknown) => log.error({ err: error, taskId: row.id }, 'The end of a task could not be noted'))
      .finally(() => {
        running.delete(row.id);
        look();
      });
    running.set(row.id, { controller, ended });
  };

  const consider = async (row: TaskRow, charge: AbortSignal) => {
    const isRunning = running.get(row.id);
    if (isRunning !== undefined) {
      if (row.is_cancelled === true) isRunning.controller.abort(new Cancelled());
      return;
    }
    if (row.is_cancelled === true) return await finish(row, CANCELLED);
    if (row.progress === null && now() - row.start_ts > STALE_AFTER_MS) return await finish(row, STALE);
    const kind = kinds.get(row.task);
    if (kind === undefined) {
      if (!unknown.has(row.id)) log.warn({ task: row.task, taskId: row.id }, 'A task waits that cannot be run here');
      unknown.add(row.id);
      return;
    }
    const isDue = (tryAgainMs.get(row.id) ?? elapsedMs()) <= elapsedMs();
    if (isDue && running.size < Math.max(1, parts.maxRunning())) begin(row, kind, charge);
  };

  const lookOnce = async () => {
    if (isStopping) return;
    const charge = await parts.charge.take();
    if (charge === undefined) return; // what runs was told by the charge that it had
    for (const row of await findTasks(db, 'unfinished')) {
      if (charge.aborted) return;
      await consider(row, charge);
    }
  };

  let looking: Promise<void> | undefined;
  let isWanted = false;
  const lookWhileWanted = async () => {
    while (isWanted) {
      isWanted = false;
      try {
        await lookOnce();
      } catch (error) {
        log.warn({ err: error }, 'Tasks could not be looked for; that is tried again');
      }
    }
    looking = undefined;
  };
  /** One look at a time, and one more when something may have come up meanwhile, however many ask for it. */
  const look = () => {
    isWanted = true;
    looking ??= lookWhileWanted();
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  const hearing = parts.bus.hearOthers('task_changed', look);
  look();
  return {
    look,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      clearInterval(timer);
      hearing[Symbol.dispose]();
      await looking;
      const ended = [...running.values()].map((task) => {
        task.controller.abort(new Interrupted('The service is stopping'));
        return task.ended;
      });
      await Promise.all(ended);
    },
  };
}

/** @returns how it ended, empty for well; `undefined`: it has not ended, and is to be run again */
async function run(
  { database, log }: TasksParts,
  row: TaskRow,
  kind: TaskKind,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { db } = database;
  const about = { task: row.task, taskId: row.id };
  let reported: TaskProgress | undefined;
  let saved: TaskProgress | undefined;
  const save = async () => {
    if (reported === saved) return;
    saved = reported;
    await database.atomically([saveTaskProgress(db, row.id, JSON.stringify(saved))]);
  };
  const saveOrTell = () => save().catch((error: unknown) => log.warn({ err: error, ...about }, 'No progress noted'));
  const timer = setInterval(() => void saveOrTell(), SAVE_EVERY_MS);
  try {
    await database.atomically([insertTaskState(db, row.id)]);
    log.info(about, 'A task runs');
    const report = (progress: TaskProgress) => {
      reported = progress;
    };
    await kind.run(row.params, report, signal);
    return '';
  } catch (error) {
    if (signal.aborted) return signal.reason instanceof Cancelled ? CANCELLED : undefined;
    const isPassing = error instanceof Unavailable;
    log.warn({ err: error, ...about }, isPassing ? 'A task is tried again in a while' : 'A task failed');
    return isPassing ? undefined : error instanceof Error ? error.message || error.name : String(error);
  } finally {
    clearInterval(timer);
    await saveOrTell();
  }
}
