import { Worker } from 'node:worker_threads';
import { Unavailable } from '../matrix/index.ts';
import { DatabaseRefused } from './errors.ts';
import { asQueryError } from './sqlite-errors.ts';
import { CLOSE, type SqliteEvent, type SqliteResult, type SqliteTask } from './sqlite-messages.ts';

/** The worker thread that holds a SQLite file, as seen from outside. */
export interface SqliteThread extends AsyncDisposable {
  /** @throws {UniqueViolation} {@link Unavailable} {@link StorageFull} */
  run(task: SqliteTask): Promise<readonly SqliteResult[]>;
  /** Tasks that are not done yet. */
  readonly pending: number;
  /** As a crash would. */
  kill(): Promise<void>;
}

/**
 * @param onCrash called when the thread ends without being asked to; from then on nothing can be run
 * @throws {DatabaseRefused}
 */
export async function startSqliteThread(file: string, onCrash: (cause: unknown) => void): Promise<SqliteThread> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: file });
  const pending = new Map<number, PromiseWithResolvers<readonly SqliteResult[]>>();
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let lastId = 0;
  let state: 'opening' | 'open' | 'closing' | 'ended' = 'opening';
  let failure: unknown;

  worker.on('message', (event: SqliteEvent) => {
    if (event.kind === 'refused') opened.reject(new DatabaseRefused(event.message));
    if (event.kind === 'open') opened.resolve();
    if (event.kind !== 'answers') return;
    for (const answer of event.answers) {
      const asker = pending.get(answer.id);
      pending.delete(answer.id);
      if ('results' in answer) asker?.resolve(answer.results);
      else asker?.reject(asQueryError(answer.failure));
    }
  });
  worker.on('error', (error) => {
    failure = error;
  });
  worker.on('exit', (code) => {
    const isCrash = state === 'open';
    state = 'ended';
    failure ??= new Error(`The thread of the SQLite file has ended with code ${code}`);
    opened.reject(new DatabaseRefused('The thread of the SQLite file could not start', { cause: failure }));
    for (const asker of pending.values()) asker.reject(away(failure));
    pending.clear();
    ended.resolve();
    if (isCrash) onCrash(failure);
  });

  await opened.promise;
  state = 'open';
  return {
    run(task) {
      if (state !== 'open') return Promise.reject(away(failure));
      const asker = Promise.withResolvers<readonly SqliteResult[]>();
      lastId += 1;
      pending.set(lastId, asker);
      worker.postMessage({ ...task, id: lastId });
      return asker.promise;
    },
    get pending() {
      return pending.size;
    },
    async kill() {
      await worker.terminate();
    },
    async [Symbol.asyncDispose]() {
      if (state === 'open') {
        state = 'closing';
        worker.postMessage(CLOSE);
      }
      await ended.promise;
    },
  };
}

function away(cause: unknown): Unavailable {
  return new Unavailable('The database is not open', { cause });
}
