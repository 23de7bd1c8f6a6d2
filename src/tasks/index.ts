export { type Charge, createCharge } from './charge.ts';
export { type RecurringJob, startRecurring } from './recurring.ts';
export type { Task } from './task.ts';
export type { TaskKind, TaskProgress } from './task-kind.ts';
export { createTasks, type Tasks } from './tasks.ts';
