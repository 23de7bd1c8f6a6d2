import { Unavailable } from '../matrix/index.ts';
import type { Job } from './job.ts';
import { type Outcome, startWorkerProcess, type WorkerLimits, type WorkerProcess } from './worker-process.ts';

export interface WorkerPoolOptions extends WorkerLimits {
  readonly maxWorkers: number;
  /** Most jobs that wait for a worker. */
  readonly maxQueued: number;
  /** After this many a worker is replaced, so that what its libraries leak does not grow. */
  readonly maxJobsPerWorker: number;
  /** A worker without work for so long is stopped. */
  readonly maxIdleMs: number;
}

/** A whole file, or what reads it when its turn has come: then what waits takes no memory. */
export type Source = Buffer | (() => Promise<Buffer>);

interface Waiting {
  readonly job: Job;
  readonly source: Source;
  readonly outcome: PromiseWithResolvers<Outcome>;
}

/** Child processes that are started when first needed; jobs get them in the order in which they come. */
export class WorkerPool implements AsyncDisposable {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  /** The last used one is used next, so that those that are too many come to their end. */
  readonly #idle: { readonly worker: WorkerProcess; readonly timer: NodeJS.Timeout }[] = [];
  readonly #queue = new Set<Waiting>();
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Of the processes that there are now. */
  get pids(): readonly (number | undefined)[] {
    return [...this.#workers].map(({ pid }) => pid);
  }

  /**
   * A job that waits leaves the queue when the signal aborts; one that runs is finished for nobody, within its limits.
   * @throws {Unavailable} when too many wait; what the signal carries; what reading the source throws
   */
  async run(job: Job, source: Source, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new Unavailable('The server is being stopped');
    if (!this.#hasFreeWorker() && this.#queue.size >= this.#options.maxQueued) {
      throw new Unavailable('Too many pictures are waiting for their thumbnails; try again');
    }
    const waiting: Waiting = { job, source, outcome: Promise.withResolvers<Outcome>() };
    const leave = () => {
      this.#queue.delete(waiting);
      waiting.outcome.reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#queue.add(waiting);
    this.#serveQueue();
    try {
      return await waiting.outcome.promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { outcome } of this.#queue) outcome.reject(new Unavailable('The server is being stopped'));
    this.#queue.clear();
    for (const { timer } of this.#idle) clearTimeout(timer);
    await Promise.all([...this.#workers].map((worker) => worker[Symbol.asyncDispose]()));
  }

  #hasFreeWorker(): boolean {
    return this.#idle.length > 0 || this.#workers.size < this.#options.maxWorkers;
  }

  #serveQueue(): void {
    for (const waiting of this.#queue) {
      if (!this.#hasFreeWorker()) return;
      this.#queue.delete(waiting);
      try {
        void this.#serve(waiting, this.#takeWorker());
      } catch (error) {
        waiting.outcome.resolve({ kind: 'ended', why: 'start', details: String(error) });
      }
    }
  }

  #takeWorker(): WorkerProcess {
    const idle = this.#idle.pop();
    if (idle === undefined) return this.#startWorker();
    clearTimeout(idle.timer);
    return idle.worker;
  }

  #startWorker(): WorkerProcess {
    const worker = startWorkerProcess(this.#options);
    this.#workers.add(worker);
    void worker.ended.then(() => {
      this.#workers.delete(worker);
      this.#takeFromIdle(worker);
      if (!this.#isClosed) this.#serveQueue(); // its place is free
    });
    return worker;
  }

  async #serve({ job, source, outcome }: Waiting, worker: WorkerProcess): Promise<void> {
    try {
      const bytes = typeof source === 'function' ? await source() : source;
      const result = await worker.run(job, bytes);
      outcome.resolve(result);
      if (result.kind === 'ended') return;
    } catch (error) {
      outcome.reject(error); // the source cannot be read, which is not the worker's fault
    }
    if (!this.#workers.has(worker)) return; // it has ended since it answered, or while the source was read
    if (this.#isClosed || worker.jobs >= this.#options.maxJobsPerWorker) {
      await worker[Symbol.asyncDispose]();
      return;
    }
    this.#keepIdle(worker);
    this.#serveQueue();
    // One that has got the next job by now is looked at again after that.
    if ((await worker.isWorn()) && this.#takeFromIdle(worker)) await worker[Symbol.asyncDispose]();
  }

  #keepIdle(worker: WorkerProcess): void {
    const timer = setTimeout(() => {
      this.#takeFromIdle(worker);
      void worker[Symbol.asyncDispose]();
    }, this.#options.maxIdleMs).unref();
    this.#idle.push({ worker, timer });
  }

  /** @returns whether it was idle */
  #takeFromIdle(worker: WorkerProcess): boolean {
    const index = this.#idle.findIndex((idle) => idle.worker === worker);
    if (index === -1) return false;
    clearTimeout(this.#idle[index]?.timer);
    this.#idle.splice(index, 1);
    return true;
  }
}
