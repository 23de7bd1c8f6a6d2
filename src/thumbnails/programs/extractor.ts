import { BadRequest, TooLarge, Unavailable } from '../../matrix/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Size } from '../choose-size.ts';
import { encodePng } from '../encode-png.ts';
import type { Container, Demuxer, Family } from './container.ts';
import { extractCover } from './cover-art.ts';
import { artworkSideOf, countColumns, drawSound } from './draw-sound.ts';
import { inputArguments } from './ffmpeg-arguments.ts';
import type { Programs } from './find-programs.ts';
import { drawFirstPage } from './first-page.ts';
import { PROBE_OUTPUT, type Probe, parseProbe } from './probe.ts';
import { readSound } from './read-sound.ts';
import type { Sample } from './sound-samples.ts';
import type { MediaSource } from './source-folder.ts';
import { extractFrame, type FrameWish } from './still-frame.ts';
import { openWorkbench, readOutput, type Workbench } from './workbench.ts';

export type { MediaSource } from './source-folder.ts';

/** Makes pictures of media that is no picture, by programs that are kept apart from all else. */
export interface Extractor {
  /** What the programs that are installed can read. */
  readonly families: readonly Family[];
  /**
   * A JPEG of a frame, a PNG of a page, or a PNG that shows a sound. To be treated like any other untrusted picture.
   * @throws {BadRequest} for what cannot be decoded, or not within the limits; {@link TooLarge} for too many pixels;
   * {@link Unavailable} when there is no room; what the signal carries; what reading the source throws
   */
  extractPicture(source: MediaSource, container: Container, wish: PictureWish, signal: AbortSignal): Promise<Buffer>;
  /** What can be told about a video or a sound. Errors are those of `extractPicture`. */
  describe(
    source: MediaSource,
    container: Container,
    families: readonly Family[],
    signal: AbortSignal,
  ): Promise<Description>;
}

export interface PictureWish extends FrameWish {
  /** What may be decoded. */
  readonly families: readonly Family[];
}

export type Description =
  | ({ readonly kind: 'video'; readonly duration: number } & Size)
  | {
      readonly kind: 'audio';
      /** In seconds. */
      readonly duration: number;
      /** Of one channel. */
      readonly samples: number;
      readonly channels: number;
      readonly keySamples: readonly Sample[];
    };

export interface ExtractorParts {
  readonly programs: Programs;
  readonly log: Log;
  /** Where folders for the work are made. */
  readonly tempPath: string;
  /** Time for one run of a program. */
  readonly maxRunMs?: number;
  /** Memory that one program may occupy. Watched on Linux only. */
  readonly maxProgramBytes?: number;
}

export interface OpenExtractor extends Extractor, AsyncDisposable {}

const KEY_SAMPLES = 768;
const MAX_PROBE_BYTES = 1024 ** 2;
const PROBE_TIME_SHARE = 0.3;

/** Disposing it kills the programs that run, and waits until their folders are gone. */
export function createExtractor({ programs, log, tempPath, ...given }: ExtractorParts): OpenExtractor {
  const limits = { maxRunMs: given.maxRunMs ?? 30_000, maxProgramBytes: given.maxProgramBytes ?? 1024 ** 3 };
  const closing = new AbortController();
  const working = new Set<Promise<unknown>>();
  const atBench = async <T>(
    source: MediaSource,
    signal: AbortSignal,
    work: (bench: Workbench) => Promise<T>,
  ): Promise<T> => {
    const doing = (async () => {
      const either = AbortSignal.any([signal, closing.signal]);
      await using bench = await openWorkbench({ programs, limits, tempPath, log }, source, either);
      return await work(bench);
    })();
    working.add(doing);
    try {
      return await doing;
    } finally {
      working.delete(doing);
    }
  };
  return {
    families: familiesOf(programs),
    extractPicture: (source, container, wish, signal) =>
      atBench(source, signal, (bench) =>
        container === 'pdf' ? drawFirstPage(bench, wish.size, wish.maxPixels) : pictureOf(bench, container, wish),
      ),
    describe: (source, container, families, signal) =>
      atBench(source, signal, (bench) => {
        if (container === 'pdf') throw unsuitable();
        return describe(bench, container, families);
      }),
    async [Symbol.asyncDispose]() {
      closing.abort(new Unavailable('The server is being stopped'));
      await Promise.allSettled(working);
    },
  };
}

function familiesOf({ ffmpeg, ffprobe, pdftoppm }: Programs): readonly Family[] {
  return [
    ...(ffmpeg !== undefined && ffprobe !== undefined ? (['video', 'audio'] as const) : []),
    ...(pdftoppm !== undefined ? (['document'] as const) : []),
  ];
}

async function pictureOf(bench: Workbench, demuxer: Demuxer, wish: PictureWish): Promise<Buffer> {
  const { video, cover, audio, duration } = await probe(bench, demuxer);
  if (video !== undefined && wish.families.includes('video')) {
    return await extractFrame(bench, demuxer, video, duration ?? 0, wish);
  }
  if (audio === undefined || !wish.families.includes('audio')) throw unsuitable();
  if (wish.size.width * wish.size.height >= wish.maxPixels) {
    throw new TooLarge(
      `The thumbnail would have too many pixels; those that are made have less than ${wish.maxPixels}`,
    );
  }
  const artwork = cover && (await extractCover(bench, demuxer, cover, artworkSideOf(wish.size), wish.maxPixels));
  const samples = await readSound(bench, demuxer, audio);
  const columns = countColumns(wish.size, artwork !== undefined);
  return await encodePng(drawSound(wish.size, samples.choose(columns), artwork));
}

async function describe(bench: Workbench, demuxer: Demuxer, families: readonly Family[]): Promise<Description> {
  const { video, audio, duration = 0 } = await probe(bench, demuxer);
  if (video !== undefined && families.includes('video')) {
    return { kind: 'video', duration, width: video.width, height: video.height };
  }
  if (audio === undefined || !families.includes('audio')) throw unsuitable();
  const samples = await readSound(bench, demuxer, audio);
  return {
    kind: 'audio',
    duration: samples.total / audio.sampleRate,
    samples: samples.total,
    channels: audio.channels,
    keySamples: samples.choose(KEY_SAMPLES).map(([left, right]) => [round(left), round(right)]),
  };
}

async function probe(bench: Workbench, demuxer: Demuxer): Promise<Probe> {
  const json = await readOutput(bench, {
    program: 'ffprobe',
    args: [...inputArguments(demuxer), ...PROBE_OUTPUT],
    maxOutputBytes: MAX_PROBE_BYTES,
    timeShare: PROBE_TIME_SHARE,
  });
  const found = parseProbe(json.toString());
  if (found === undefined) throw unsuitable();
  return found;
}

/** Five places tell 16 bits apart. */
function round(value: number): number {
  return Math.round(value * 100_000) / 100_000;
}

function unsuitable(): BadRequest {
  return new BadRequest('The media has nothing that this server can make thumbnails of');
}
