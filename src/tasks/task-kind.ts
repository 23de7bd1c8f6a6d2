/** How far a task is, in units of its own choice, such as bytes. */
export interface TaskProgress {
  readonly done: number;
  /** 0: not known. */
  readonly total: number;
  readonly unit: string;
  /** How many pieces of the work could not be done and were passed over; absent for none. */
  readonly failed?: number;
}

/** What may be made a task. `main.ts` hands the kinds in; nothing here knows one by name. */
export interface TaskKind {
  /** Stands in the database. matrix-media-repo's kinds keep its names and the form of its parameters. */
  readonly name: string;
  /**
   * Does the work. After a restart it is called again with the same parameters, and goes on with what is left to do.
   * An error ends the task with its message, which administrators read; only {@link Unavailable} is tried again.
   * @param params as they stand in the database, which matrix-media-repo may have written
   * @param report may be called as often as one likes
   */
  run(params: unknown, report: (progress: TaskProgress) => void, signal: AbortSignal): Promise<void>;
}
