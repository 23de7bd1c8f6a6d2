import { availableParallelism } from 'node:os';
import { BadRequest, InternalError, TooLarge, Unavailable } from '../matrix/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Size } from './choose-size.ts';
import type { BlurhashJob, DecoderLimits, Job, PlacingJob, Refusal, ThumbnailJob } from './job.ts';
import type { Source } from './source.ts';
import { type WorkerLoad, WorkerPool } from './worker-pool.ts';
import type { Outcome } from './worker-process.ts';

/** Makes pictures of untrusted files, in child processes that can do little else. */
export interface Thumbnailer {
  /**
   * @param source the whole file, or what reads it once a worker is free; what it is, its bytes tell. While it is read
   * it holds a worker, so that has to end by itself when the signal aborts.
   * @returns a picture, or `original` where the file itself is to be sent, with the type that it really has
   * @throws {BadRequest} for what cannot be decoded, or not within the limits; {@link TooLarge} for too many pixels;
   * {@link Unavailable} when too many pictures wait; what the signal carries; what reading the source throws
   */
  render(source: Source, job: ThumbnailJob, signal: AbortSignal): Promise<Rendered>;
  /** The blurhash of a picture (MSC2448). Parameters and errors are those of `render`. */
  encodeBlurhash(source: Source, job: BlurhashJob, signal: AbortSignal): Promise<string>;
  /** The size of the upright picture. Parameters and errors are those of `render`. */
  measure(source: Source, limits: DecoderLimits, signal: AbortSignal): Promise<Size>;
  /** The whole picture in the middle of a transparent PNG. Parameters and errors are those of `render`. */
  place(source: Source, job: PlacingJob, signal: AbortSignal): Promise<Buffer>;
  /**
   * Does other work in the place of a picture, so that the limit is one for both. It has to end by itself when the signal
   * aborts. @throws {Unavailable} what the signal carries; what the work throws
   */
  hold<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Of one process, shared by its domains. */
export interface Thumbnailers {
  /** Domains that have pictures waiting take turns. */
  forDomain(serverName: string): Thumbnailer;
  /**
   * For work that nobody waits for: resolves when a worker is free, and no picture waits for one.
   * @throws {Unavailable} when the server is being stopped; what the signal carries
   */
  untilFree(signal: AbortSignal): Promise<void>;
}

export type Rendered =
  | ({
      readonly kind: 'picture';
      readonly bytes: Buffer;
      readonly contentType: string;
      readonly animated: boolean;
    } & Size)
  | { readonly kind: 'original'; readonly contentType: string };

export interface ThumbnailerParts {
  readonly log: Log;
  /** Most pictures that are worked on at once; never more than cores. 0 or less: as many as cores. */
  readonly maxWorkers: number;
  /** Time for one picture. */
  readonly maxJobMs?: number;
  /** Memory that one child process may occupy. Watched on Linux only. */
  readonly maxWorkerBytes?: number;
  /** So long a picture may go on being worked on when all who asked for it have left. */
  readonly maxUnwantedMs?: number;
  /** Most pictures that wait for a worker. When more come, domains with many of them give way to those with few. */
  readonly maxQueued?: number;
  /** After so many pictures a child process is replaced. */
  readonly maxJobsPerWorker?: number;
  /** A child process without work for so long is stopped. */
  readonly maxIdleMs?: number;
}

export interface OpenThumbnailer extends Thumbnailer, Thumbnailers, AsyncDisposable {
  /** Of the child processes that there are now. */
  readonly workerPids: readonly (number | undefined)[];
  readonly load: WorkerLoad;
}

/** What a worker is given that is only held: nothing, which it refuses at once. */
const NO_PICTURE: Job = { make: 'measurement', formats: [], maxPixels: 0 };

/** Disposing it kills the child processes. */
export function createThumbnailer(parts: ThumbnailerParts): OpenThumbnailer {
  const cores = availableParallelism();
  const pool = new WorkerPool({
    maxWorkers: parts.maxWorkers <= 0 ? cores : Math.min(parts.maxWorkers, cores),
    maxJobMs: parts.maxJobMs ?? 30_000,
    maxUnwantedMs: parts.maxUnwantedMs ?? 1_000,
    maxWorkerBytes: parts.maxWorkerBytes ?? 1024 ** 3,
    maxQueued: parts.maxQueued ?? 1000,
    maxJobsPerWorker: parts.maxJobsPerWorker ?? 500,
    maxIdleMs: parts.maxIdleMs ?? 60_000,
  });
  const forDomain = (serverName: string): Thumbnailer => {
    const run = async (job: Job, source: Source, signal: AbortSignal) =>
      answerOf(await pool.run(job, source, serverName, signal), job, parts.log);
    return {
      async render(source, asked, signal) {
        const { answer, bytes } = await run({ ...asked, make: 'thumbnail' }, source, signal);
        if (answer.kind === 'picture') return { ...answer, bytes };
        if (answer.kind === 'original' && !asked.isExtracted) return answer;
        throw unasked(answer.kind);
      },
      async encodeBlurhash(source, asked, signal) {
        const { answer } = await run({ ...asked, make: 'blurhash' }, source, signal);
        if (answer.kind === 'blurhash') return answer.blurhash;
        throw unasked(answer.kind);
      },
      async measure(source, limits, signal) {
        const { answer } = await run({ ...limits, make: 'measurement' }, source, signal);
        if (answer.kind === 'measurement') return { width: answer.width, height: answer.height };
        throw unasked(answer.kind);
      },
      async place(source, asked, signal) {
        const { answer, bytes } = await run({ ...asked, make: 'placed picture' }, source, signal);
        if (answer.kind === 'picture') return bytes;
        throw unasked(answer.kind);
      },
      async hold<T>(work: () => Promise<T>, signal: AbortSignal) {
        const done = Promise.withResolvers<T>();
        const workInstead = async () => {
          done.resolve(await work());
          return Buffer.alloc(0);
        };
        const outcome = await pool.run(NO_PICTURE, workInstead, serverName, signal);
        if (outcome.kind === 'ended') done.reject(asError(outcome, parts.log)); // without effect once the work is done
        return await done.promise;
      },
    };
  };
  return {
    ...forDomain(''),
    forDomain,
    untilFree: (signal) => pool.untilFree(signal),
    get load() {
      return pool.load;
    },
    get workerPids() {
      return pool.pids;
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

type Answered = Extract<Outcome, { kind: 'answered' }>;

function answerOf(outcome: Outcome, job: Job, log: Log): Answered {
  if (outcome.kind === 'ended') throw asError(outcome, log);
  if (outcome.answer.kind === 'refused') throw refuse(outcome.answer.why, job);
  return outcome;
}

function unasked(kind: string): InternalError {
  return new InternalError({ cause: new Error(`A thumbnail worker answered with something else: ${kind}`) });
}

function refuse(why: Refusal, { maxPixels }: Job): BadRequest | TooLarge {
  switch (why) {
    case 'unsupported':
      return new BadRequest('The media is not a picture that this server can make thumbnails of');
    case 'corrupt':
      return new BadRequest('The picture is damaged; no thumbnail can be made of it');
    case 'too many pixels':
      return new TooLarge(`The picture has too many pixels; thumbnails are made of those with less than ${maxPixels}`);
  }
}

/** What a file does to a worker is the fault of the file, until a worker cannot even start. */
function asError({ why, details }: Extract<Outcome, { kind: 'ended' }>, log: Log): Error {
  if (why === 'stop') return new Unavailable('The server is being stopped');
  if (why === 'start') {
    return new InternalError({ cause: new Error(`A thumbnail worker could not be started: ${details}`) });
  }
  log.warn({ why, details }, 'A thumbnail worker was ended by a picture');
  return new BadRequest('The picture takes more work than this server does for a thumbnail', {
    cause: new Error(`The thumbnail worker ended: ${why}`),
  });
}
