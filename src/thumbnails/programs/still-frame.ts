import { BadRequest, TooLarge } from '../../matrix/index.ts';
import { fitInside, type Method, type Size } from '../choose-size.ts';
import type { Demuxer } from './container.ts';
import { ffmpegArguments, pixelLimit } from './ffmpeg-arguments.ts';
import type { Probe } from './probe.ts';
import { readOutput, type Workbench } from './workbench.ts';

/** Frames come larger than the thumbnail by this, so that the scaling that follows has something to work on. */
const OVERSIZE = 2;
const MAX_JPEG_SIDE = 65_500;
/** No JPEG takes more than this, noise included. */
const JPEG_BYTES_PER_PIXEL = 4;
const JPEG_OVERHEAD_BYTES = 65_536;

export interface FrameWish {
  /** Of the thumbnail. */
  readonly size: Size;
  readonly method: Method;
  /** Width times height must be below this. */
  readonly maxPixels: number;
  /** 0 is the begin of the video, 1 its end. */
  readonly videoFramePosition: number;
}

/**
 * One frame of a video as a JPEG, upright; the first one where there is none at the place that is asked for, or none that can
 * be reached soon.
 * @throws {BadRequest} when nothing can be decoded; {@link TooLarge} for too many pixels; as `Workbench.run`
 */
export async function extractFrame(
  bench: Workbench,
  demuxer: Demuxer,
  video: NonNullable<Probe['video']>,
  /** In seconds. */
  duration: number,
  wish: FrameWish,
): Promise<Buffer> {
  if (video.width * video.height >= wish.maxPixels) {
    throw new TooLarge(`The video has too many pixels; thumbnails are made of those with less than ${wish.maxPixels}`);
  }
  const start = duration * wish.videoFramePosition;
  const frame =
    (start > 0 ? await tryFrame(bench, demuxer, video, wish, start) : undefined) ??
    (await decodeFrame(bench, demuxer, video, wish, 0));
  if (frame.length === 0) throw new BadRequest('The video is damaged; no thumbnail can be made of it');
  return frame;
}

async function tryFrame(...args: Parameters<typeof decodeFrame>): Promise<Buffer | undefined> {
  try {
    const frame = await decodeFrame(...args);
    return frame.length === 0 ? undefined : frame;
  } catch (error) {
    if (error instanceof BadRequest) return undefined; // perhaps the first frame takes less work
    throw error;
  }
}

/** @returns nothing in it when there is no frame */
async function decodeFrame(
  bench: Workbench,
  demuxer: Demuxer,
  video: NonNullable<Probe['video']>,
  { size, method, maxPixels }: FrameWish,
  startSeconds: number,
): Promise<Buffer> {
  const { width, height } = frameSize(video, size, method);
  return await readOutput(bench, {
    program: 'ffmpeg',
    args: ffmpegArguments(demuxer, {
      input: [...pixelLimit(maxPixels), ...(startSeconds > 0 ? ['-ss', startSeconds.toFixed(3)] : [])],
      stream: video.stream,
      // The colours of a JPEG are stored as JFIF has it, whatever the video does.
      filters: `scale=${width}:${height}:out_color_matrix=bt601:out_range=full,setsar=1`,
      output: ['-frames:v', '1', '-f', 'image2pipe', '-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p'],
    }),
    maxOutputBytes: width * height * JPEG_BYTES_PER_PIXEL + JPEG_OVERHEAD_BYTES,
    timeShare: startSeconds > 0 ? 0.5 : 1,
  });
}

/** Never larger than the video. Of the ratio that the thumbnail will have, so that it is cut to the same whole pixels. */
export function frameSize(video: Size, wanted: Size, method: Method): Size {
  const fitting = method === 'scale' ? fitInside(video, wanted) : coverWith(video, wanted);
  const frame = { width: OVERSIZE * fitting.width, height: OVERSIZE * fitting.height };
  const isSmaller = frame.width < video.width && frame.height < video.height;
  const chosen = isSmaller ? frame : { width: video.width, height: video.height };
  const isDrawable = chosen.width <= MAX_JPEG_SIDE && chosen.height <= MAX_JPEG_SIDE;
  return isDrawable ? chosen : fitInside(chosen, { width: MAX_JPEG_SIDE, height: MAX_JPEG_SIDE });
}

/** The smallest size of the ratio of `shape` that covers `box`. */
function coverWith(shape: Size, box: Size): Size {
  const factor = Math.max(box.width / shape.width, box.height / shape.height);
  return { width: Math.ceil(shape.width * factor), height: Math.ceil(shape.height * factor) };
}
