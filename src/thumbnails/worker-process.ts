import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { encodeFrameStart, readFrames } from './frames.ts';
import { giveWay } from './give-way.ts';
import { type Answer, type Job, parseAnswer } from './job.ts';
import { readResidentBytes } from './read-resident-bytes.ts';
import type { SourceStream } from './source.ts';
import { WORKER_ENVIRONMENT, workerArguments } from './worker-command.ts';

export interface WorkerLimits {
  /** Time for one job, from when the worker has the whole source. */
  readonly maxJobMs: number;
  /** So long a job may go on when nobody wants its result any more, counted from its start. */
  readonly maxUnwantedMs: number;
  /** Memory that the process may occupy, all told. */
  readonly maxWorkerBytes: number;
}

export type Outcome =
  | { readonly kind: 'answered'; readonly answer: Exclude<Answer, { kind: 'ready' }>; readonly bytes: Buffer }
  | { readonly kind: 'ended'; readonly why: EndReason; readonly details: string };

/** Over its time, over its memory, for nobody, by itself, before it could take a job, or because it was to. */
type EndReason = 'time' | 'memory' | 'unwanted' | 'crash' | 'start' | 'stop';

/** A child process that makes thumbnails. Disposing it kills it: it has nothing to put in order. */
export interface WorkerProcess extends AsyncDisposable {
  readonly pid: number | undefined;
  /** How many jobs it has been given. */
  readonly jobs: number;
  /** Resolved when the process is gone. */
  readonly ended: Promise<void>;
  /**
   * To be called for one job at a time.
   * @param signal aborts when nobody wants the result any more
   * @throws what reading the source throws, the process having ended if it had a part of it; what the signal carries,
   * when nobody wants the result before the job has begun
   */
  run(job: Job, source: SourceStream, signal: AbortSignal): Promise<Outcome>;
  /** Whether it keeps so much memory between jobs that the next one would suffer for it. */
  isWorn(): Promise<boolean>;
}

/** No thumbnail is near that; a worker that announces more has lost its mind. */
const MAX_PICTURE_BYTES = 256 * 1024 ** 2;
const START_MS = 30_000;
const MEMORY_CHECK_MS = 50;
const MAX_DETAILS_LENGTH = 1000;

/** @throws {Error} when this process has no file descriptors left; other trouble ends the worker's first job. */
export function startWorkerProcess(limits: WorkerLimits): WorkerProcess {
  return new ChildProcessWorker(limits);
}

class ChildProcessWorker implements WorkerProcess {
  readonly ended: Promise<void>;
  jobs = 0;
  readonly #limits: WorkerLimits;
  readonly #child = spawn(process.execPath, workerArguments(new URL('workers/main.ts', import.meta.url)), {
    cwd: '/',
    env: WORKER_ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  readonly #frames = readFrames(this.#child.stdout, MAX_PICTURE_BYTES);
  readonly #ready: Promise<boolean>;
  /** Why the server has killed it, if it has. */
  #killedFor: EndReason | undefined;
  #details = '';

  constructor(limits: WorkerLimits) {
    this.#limits = limits;
    this.ended = this.#watchEnd();
    giveWay(this.#child.pid);
    // Without descriptors for them Node makes no pipes, whatever the type says.
    if (!this.#child.stdin) throw new Error('No file descriptors are left for the pipes of a worker');
    this.#child.stdin.on('error', () => {}); // the process is gone, which `ended` tells
    void this.#collectDetails(this.#child.stderr);
    this.#ready = this.#awaitReady();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async run(job: Job, source: SourceStream, signal: AbortSignal): Promise<Outcome> {
    this.jobs += 1;
    if (!(await this.#ready) || this.#isGone()) return await this.#endBeforeJob();
    signal.throwIfAborted();
    using _memory = this.#watchMemory();
    using _unwanted = this.#killUnwanted(signal);
    await this.#send(job, source);
    if (this.#isGone() && this.#killedFor === undefined) return await this.#endBeforeJob();
    using _time = this.#killAfter(this.#limits.maxJobMs);
    const frame = await this.#nextAnswer();
    // One that was killed as it answered counts as killed: nobody may think that it can take another job.
    if (frame === undefined || frame.answer.kind === 'ready' || this.#killedFor !== undefined) {
      await this.#end('crash');
      return { kind: 'ended', why: this.#killedFor ?? 'crash', details: this.#details };
    }
    return { kind: 'answered', answer: frame.answer, bytes: frame.body };
  }

  async #endBeforeJob(): Promise<Outcome> {
    await this.#end('start');
    return { kind: 'ended', why: this.#killedFor === 'stop' ? 'stop' : 'start', details: this.#details };
  }

  /** Returns early when the process ends meanwhile. */
  async #send(job: Job, source: SourceStream): Promise<void> {
    const { sizeBytes } = source;
    let left = sizeBytes;
    let hasBegun = false;
    try {
      for await (const piece of source.read()) {
        if (!hasBegun) this.#child.stdin.write(encodeFrameStart(job, sizeBytes));
        hasBegun = true;
        left -= piece.length;
        if (left < 0) break;
        await this.#write(piece);
        if (this.#isGone()) return;
      }
      if (left !== 0) throw new Error(`A file of ${sizeBytes} bytes has ${left < 0 ? 'more' : 'less'} when it is read`);
    } catch (error) {
      if (hasBegun) await this.#end('stop'); // it waits for the rest
      throw error;
    }
    if (!hasBegun) this.#child.stdin.write(encodeFrameStart(job, 0));
  }

  /** Resolves when the process has taken the bytes, or is gone. */
  async #write(bytes: Uint8Array): Promise<void> {
    const { promise: taken, resolve } = Promise.withResolvers<void>();
    this.#child.stdin.write(bytes, (error) => {
      if (error === null || error === undefined) resolve();
      else this.#child.kill('SIGKILL'); // it reads no more; its end is waited for
    });
    await Promise.race([taken, this.ended]);
  }

  async isWorn(): Promise<boolean> {
    const bytes = await this.#readMemory();
    return bytes !== undefined && bytes > this.#limits.maxWorkerBytes / 2;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('stop');
  }

  #isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #watchEnd(): Promise<void> {
    try {
      await once(this.#child, 'exit');
    } catch (error) {
      this.#details = String(error); // it could not be started at all
    }
  }

  async #awaitReady(): Promise<boolean> {
    using _time = this.#killAfter(START_MS);
    return (await this.#nextAnswer())?.answer.kind === 'ready';
  }

  /** @returns `undefined` when the process has ended, or says what makes no sense */
  async #nextAnswer(): Promise<{ readonly answer: Answer; readonly body: Buffer } | undefined> {
    try {
      const next = await this.#frames.next();
      if (next.done) return undefined;
      const answer = parseAnswer(next.value.head);
      return answer && { answer, body: next.value.body };
    } catch (error) {
      this.#details = String(error);
      return undefined;
    }
  }

  async #end(why: EndReason): Promise<void> {
    this.#kill(why);
    await this.ended;
  }

  #kill(why: EndReason): void {
    this.#killedFor ??= why;
    this.#child.kill('SIGKILL');
  }

  #killAfter(ms: number): Disposable {
    const timer = setTimeout(() => this.#kill('time'), ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  /** A moment is left to it, for starting another process costs one too. */
  #killUnwanted(signal: AbortSignal): Disposable {
    let isMomentOver = false;
    const killIfDue = () => {
      if (isMomentOver && signal.aborted) this.#kill('unwanted');
    };
    const timer = setTimeout(() => {
      isMomentOver = true;
      killIfDue();
    }, this.#limits.maxUnwantedMs);
    signal.addEventListener('abort', killIfDue, { once: true });
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', killIfDue);
      },
    };
  }

  #watchMemory(): Disposable {
    let isOver = false;
    const check = async () => {
      const bytes = await this.#readMemory();
      if (!isOver && bytes !== undefined && bytes > this.#limits.maxWorkerBytes) this.#kill('memory');
    };
    const timer = setInterval(check, MEMORY_CHECK_MS);
    void check();
    return {
      [Symbol.dispose]: () => {
        isOver = true;
        clearInterval(timer);
      },
    };
  }

  async #readMemory(): Promise<number | undefined> {
    return this.pid === undefined ? undefined : await readResidentBytes(this.pid);
  }

  /** The last words of the process, for the log. Read on to its end, for a full pipe would stop it. */
  async #collectDetails(stderr: Readable): Promise<void> {
    try {
      for await (const chunk of stderr.setEncoding('utf8')) {
        this.#details = (this.#details + chunk).slice(-MAX_DETAILS_LENGTH);
      }
    } catch {
      // The pipe broke with the process, which `ended` tells.
    }
  }
}
