import type { CompilableQuery } from './database.ts';
import type { Db } from './tables.ts';

/** A row of matrix-media-repo's `background_tasks`, with what Vitrine knows beside. */
export interface TaskRow {
  readonly id: number;
  readonly task: string;
  readonly params: unknown;
  readonly start_ts: number;
  /** 0: not finished. */
  readonly end_ts: number;
  /** Empty for none. */
  readonly error: string;
  /** JSON, empty before the first report; `null` for a task that Vitrine has never begun. */
  readonly progress: string | null;
  readonly is_cancelled: boolean | null;
}

/** All that there ever were, or those that are not finished; in the order of their making. */
export function findTasks(db: Db, which: 'all' | 'unfinished'): Promise<TaskRow[]> {
  const all = tasks(db).orderBy('background_tasks.id');
  return (which === 'all' ? all : all.where('end_ts', '<=', 0)).execute();
}

export function findTask(db: Db, id: number): Promise<TaskRow | undefined> {
  return tasks(db).where('background_tasks.id', '=', id).executeTakeFirst();
}

function tasks(db: Db) {
  return db
    .selectFrom('background_tasks')
    .leftJoin('vitrine_task_states', 'vitrine_task_states.task_id', 'background_tasks.id')
    .selectAll('background_tasks')
    .select(['vitrine_task_states.progress', 'vitrine_task_states.is_cancelled']);
}

/** @returns its ID */
export async function insertTask(db: Db, task: string, params: object, startTs: number): Promise<number> {
  const { id } = await db
    .insertInto('background_tasks')
    .values({ task, params: JSON.stringify(params), start_ts: startTs, end_ts: 0, error: '' })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Marks a task as one that Vitrine looks after. Changes nothing for one that is marked already. */
export function insertTaskState(db: Db, id: number): CompilableQuery {
  return db
    .insertInto('vitrine_task_states')
    .values({ task_id: id, progress: '', is_cancelled: false })
    .onConflict((conflict) => conflict.doNothing());
}

export function saveTaskProgress(db: Db, id: number, progress: string): CompilableQuery {
  return db.updateTable('vitrine_task_states').set({ progress }).where('task_id', '=', id);
}

export function cancelTask(db: Db, id: number): CompilableQuery {
  return db
    .insertInto('vitrine_task_states')
    .values({ task_id: id, progress: '', is_cancelled: true })
    .onConflict((conflict) => conflict.column('task_id').doUpdateSet({ is_cancelled: true }));
}

/** Does not touch one that has ended already. @param error empty for none */
export function finishTask(db: Db, id: number, endTs: number, error: string): CompilableQuery {
  return db.updateTable('background_tasks').set({ end_ts: endTs, error }).where('id', '=', id).where('end_ts', '<=', 0);
}
