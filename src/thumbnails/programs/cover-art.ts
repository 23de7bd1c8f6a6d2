import { BadRequest } from '../../matrix/index.ts';
import type { Demuxer } from './container.ts';
import type { Artwork } from './draw-sound.ts';
import { ffmpegArguments, pixelLimit } from './ffmpeg-arguments.ts';
import type { Probe } from './probe.ts';
import { readOutput, type Workbench } from './workbench.ts';

const BYTES_PER_PIXEL = 4;

/**
 * The picture that goes with a sound, cut to a square from its middle.
 * @returns `undefined` when it cannot be decoded, or has too many pixels: a sound is worth showing without
 * @throws as `Workbench.run`, but not for what the picture does to the program
 */
export async function extractCover(
  bench: Workbench,
  demuxer: Demuxer,
  cover: NonNullable<Probe['cover']>,
  side: number,
  maxPixels: number,
): Promise<Artwork | undefined> {
  if (cover.width * cover.height >= maxPixels) return undefined;
  const bytes = side * side * BYTES_PER_PIXEL;
  try {
    const rgba = await readOutput(bench, {
      program: 'ffmpeg',
      args: ffmpegArguments(demuxer, {
        input: pixelLimit(maxPixels),
        stream: cover.stream,
        filters: `crop=min(iw\\,ih):min(iw\\,ih),scale=${side}:${side},format=rgba`,
        output: ['-frames:v', '1', '-f', 'rawvideo'],
      }),
      maxOutputBytes: bytes,
      timeShare: 0.5,
    });
    return rgba.length === bytes ? { side, rgba } : undefined;
  } catch (error) {
    if (error instanceof BadRequest) return undefined;
    throw error;
  }
}
