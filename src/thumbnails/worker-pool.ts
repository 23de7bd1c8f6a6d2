import { Unavailable } from '../matrix/index.ts';
import { FairQueue } from './fair-queue.ts';
import type { Job } from './job.ts';
import { openSource, type Source } from './source.ts';
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

export interface WorkerLoad {
  readonly busy: number;
  readonly idle: number;
  /** Jobs that have no worker yet. */
  readonly waiting: number;
}

interface Waiting {
  readonly job: Job;
  readonly source: Source;
  readonly signal: AbortSignal;
  readonly outcome: PromiseWithResolvers<Outcome>;
}

/** Child processes that are started when first needed. The domains that have jobs for them take turns. */
export class WorkerPool implements AsyncDisposable {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  /** The last used one is used next, so that those that are too many come to their end. */
  readonly #idle: { readonly worker: WorkerProcess; readonly timer: NodeJS.Timeout }[] = [];
  readonly #queue = new FairQueue<Waiting>();
  /** Those who come when nobody else needs a worker. */
  readonly #patient = new Set<PromiseWithResolvers<void>>();
  /** Jobs that have a worker, also one that has died of them by now: each may hold a piece of its source. */
  #served = 0;
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  /** Of workers and jobs, as it is now. */
  get load(): WorkerLoad {
    return { busy: this.#served, idle: this.#idle.length, waiting: this.#queue.size };
  }

  /** Of the processes that there are now. */
  get pids(): readonly (number | undefined)[] {
    return [...this.#workers].map(({ pid }) => pid);
  }

  /**
   * A job that waits leaves the queue when the signal aborts; one that runs is stopped, unless it is over in a moment.
   * @param domain whose turn it takes
   * @throws {Unavailable} when too many wait; what the signal carries; what reading the source throws
   */
  async run(job: Job, source: Source, domain: string, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    if (this.#isClosed) throw stopping();
    if (!this.#hasFreeWorker() && this.#queue.size >= this.#options.maxQueued) this.#makeRoomFor(domain);
    const waiting: Waiting = { job, source, signal, outcome: Promise.withResolvers<Outcome>() };
    const leave = () => {
      this.#queue.delete(domain, waiting);
      waiting.outcome.reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#queue.add(domain, waiting);
    this.#serveQueue();
    try {
      return await waiting.outcome.promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /**
   * Resolves when a worker is free and no job waits for one. It is not kept free: who comes first gets it.
   * @throws {Unavailable} when the pool is closed; what the signal carries
   */
  async untilFree(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isClosed) throw stopping();
    if (this.#hasFreeWorker()) return;
    const patient = Promise.withResolvers<void>();
    const leave = () => patient.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    this.#patient.add(patient);
    try {
      await patient.promise;
    } finally {
      this.#patient.delete(patient);
      signal.removeEventListener('abort', leave);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { outcome } of this.#queue.takeAll()) outcome.reject(stopping());
    for (const { reject } of this.#patient) reject(stopping());
    for (const { timer } of this.#idle) clearTimeout(timer);
    await Promise.all([...this.#workers].map((worker) => worker[Symbol.asyncDispose]()));
  }

  #hasFreeWorker(): boolean {
    const { maxWorkers } = this.#options;
    return this.#served < maxWorkers && (this.#idle.length > 0 || this.#workers.size < maxWorkers);
  }

  #makeRoomFor(domain: string): void {
    const crowded = new Unavailable('Too many pictures are waiting for their thumbnails; try again');
    const removed = this.#queue.giveWayTo(domain);
    if (removed === undefined) throw crowded;
    removed.outcome.reject(crowded);
  }

  #serveQueue(): void {
    while (this.#hasFreeWorker()) {
      const waiting = this.#queue.take();
      if (waiting === undefined) {
        for (const { resolve } of this.#patient) resolve();
        return;
      }
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

  async #serve({ job, source, signal, outcome }: Waiting, worker: WorkerProcess): Promise<void> {
    this.#served += 1;
    try {
      outcome.resolve(await worker.run(job, await openSource(source), signal));
    } catch (error) {
      outcome.reject(error); // the source cannot be read, which is not the worker's fault
    }
    this.#served -= 1;
    // It may have ended since it answered, or because of this job.
    const isUsable = this.#workers.has(worker) && !this.#isClosed && worker.jobs < this.#options.maxJobsPerWorker;
    if (!isUsable) await worker[Symbol.asyncDispose]();
    else this.#keepIdle(worker);
    if (!this.#isClosed) this.#serveQueue();
    // One that has got the next job by now is looked at again after that.
    if (isUsable && (await worker.isWorn()) && this.#takeFromIdle(worker)) await worker[Symbol.asyncDispose]();
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

function stopping(): Unavailable {
  return new Unavailable('The server is being stopped');
}
