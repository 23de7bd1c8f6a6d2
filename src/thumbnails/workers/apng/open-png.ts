import sharp from 'sharp';
import { MAX_FRAMES } from '../../plan.ts';
import { openWithSharp } from '../open-with-sharp.ts';
import type { OpenedPicture } from '../opened-picture.ts';
import { composeFrames } from './compose-frames.ts';
import { type Apng, readApng } from './read-apng.ts';

/**
 * Opens a still or an animated PNG. libvips knows still ones only: of an animation it reads the picture that is there
 * for such programs. That one is also taken of animations that are too large to be drawn.
 * @throws {Error} for a header that cannot be read
 */
export async function openPng(source: Buffer, maxPixels: number): Promise<OpenedPicture | undefined> {
  const still = await openWithSharp(source, 'png');
  const apng = readApng(source);
  if (still === undefined || apng === undefined) return still;
  const frames = apng.frames.length;
  const isDrawn = frames > 0 && frames <= MAX_FRAMES && apng.width * apng.height * frames < maxPixels;
  if (!isDrawn) return { ...still, header: { ...still.header, isAnimated: true } };
  const { width, height } = apng; // what moves is upright as it is
  return {
    header: { ...still.header, width, height, isAnimated: true, frames, hasAlpha: true },
    times: { delay: apng.frames.map(({ delayMs }) => delayMs), loop: apng.plays },
    frames: (first, count) => drawFrames(apng, first, count),
  };
}

async function drawFrames(apng: Apng, first: number, count: number) {
  const { width, height } = apng;
  const raw = { width, height: height * count, channels: 4, pageHeight: height } as const;
  return sharp(await composeFrames(apng, first, count), { raw, animated: count > 1, limitInputPixels: false });
}
