import type { TaskRow } from '../database/index.ts';
import type { TaskProgress } from './task-kind.ts';

/** What is told of a task. Times are in milliseconds since 1970. */
export interface Task {
  readonly id: number;
  readonly name: string;
  readonly params: unknown;
  readonly startTs: number;
  /** `undefined`: it waits or runs. */
  readonly endTs: number | undefined;
  /** Empty for none. */
  readonly error: string;
  /** `undefined` before the first report. */
  readonly progress: TaskProgress | undefined;
}

export function asTask({ id, task, params, start_ts, end_ts, error, progress }: TaskRow): Task {
  return {
    id,
    name: task,
    params,
    startTs: start_ts,
    endTs: end_ts > 0 ? end_ts : undefined,
    error,
    progress: progress ? (JSON.parse(progress) as TaskProgress) : undefined, // written by the runner only
  };
}
