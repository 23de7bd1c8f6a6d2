import { cancelTask, findTask, findTasks, insertTask, insertTaskState } from '../database/index.ts';
import { asTask, type Task } from './task.ts';
import { createTaskRunner } from './task-runner.ts';
import type { TasksParts } from './tasks-parts.ts';

/** Long work that survives a restart. Its records are matrix-media-repo's, and each program can go on with the other's. */
export interface Tasks extends AsyncDisposable {
  /** Writes the task down; whichever process runs tasks begins it, this one at once. @returns its ID */
  start(name: string, params: object): Promise<number>;
  find(id: number): Promise<Task | undefined>;
  list(which: 'all' | 'unfinished'): Promise<Task[]>;
  /** Lets the task end as soon as it notices. @returns it as it is now; `undefined`: there is none with this ID */
  cancel(id: number): Promise<Task | undefined>;
}

/** Dispose it before the database: what runs is interrupted, and goes on after the next start. */
export function createTasks(parts: TasksParts): Tasks {
  const { bus, database, now } = parts;
  const { db } = database;
  const runner = createTaskRunner(parts);
  const tell = (id: number) => {
    runner.look();
    bus.publish('task_changed', String(id));
  };
  return {
    async start(name, params) {
      const id = await insertTask(db, name, params, now());
      await database.atomically([insertTaskState(db, id)]);
      tell(id);
      return id;
    },
    async find(id) {
      const row = await findTask(db, id);
      return row && asTask(row);
    },
    async list(which) {
      return (await findTasks(db, which)).map(asTask);
    },
    async cancel(id) {
      const row = await findTask(db, id);
      if (row === undefined || row.end_ts > 0) return row && asTask(row);
      await database.atomically([cancelTask(db, id)]);
      tell(id);
      return asTask(row);
    },
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
    },
  };
}
