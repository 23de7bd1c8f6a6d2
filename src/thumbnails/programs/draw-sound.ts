import type { Size } from '../choose-size.ts';
import type { Pixels } from '../encode-png.ts';
import type { Sample } from './sound-samples.ts';

const BACKGROUND = [41, 57, 92] as const;
const WAVE = [240, 240, 240] as const;
const PADDING = 16;
/** Of the height. */
const ARTWORK_SHARE = 0.66;

/** A square; four bytes a pixel, the last one its opacity. */
export interface Artwork {
  readonly side: number;
  readonly rgba: Uint8Array;
}

/** The side of the square that the artwork fills in a picture of this size. */
export function artworkSideOf({ height }: Size): number {
  return Math.max(1, Math.round(ARTWORK_SHARE * height));
}

/** How many samples {@link drawSound} draws: a column of pixels each. */
export function countColumns(size: Size, hasArtwork: boolean): number {
  return Math.max(1, size.width - waveStart(size, hasArtwork) - PADDING);
}

function waveStart(size: Size, hasArtwork: boolean): number {
  return hasArtwork ? artworkSideOf(size) + 2 * PADDING : PADDING;
}

/**
 * A picture of a sound, of exactly this size: the artwork at the left if there is any, and one line for each sample, up from
 * the middle or down. In the colours and measures of matrix-media-repo, which draws "NO ARTWORK" where we use the whole width.
 */
export function drawSound(size: Size, samples: readonly Sample[], artwork: Artwork | undefined): Pixels {
  const { width, height } = size;
  const rgb = Buffer.alloc(width * height * 3, Buffer.from(BACKGROUND));
  const canvas = { width, height, rgb };
  if (artwork !== undefined) drawArtwork(canvas, artwork);
  const middle = Math.floor(height / 2);
  const fullSwing = Math.max(0, Math.floor((height - PADDING) / 2));
  samples.forEach(([left, right], index) => {
    const swing = (left + right) / 2;
    const length = Math.round(fullSwing * Math.abs(swing));
    const top = swing >= 0 ? middle - length : middle;
    drawColumn(canvas, waveStart(size, artwork !== undefined) + index, top, top + length);
  });
  return canvas;
}

function drawArtwork(canvas: Pixels, { side, rgba }: Artwork): void {
  const top = Math.floor(canvas.height / 2) - Math.floor(side / 2);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const from = 4 * (y * side + x);
      const opacity = (rgba[from + 3] ?? 0) / 255;
      const blend = (channel: 0 | 1 | 2) =>
        Math.round((rgba[from + channel] ?? 0) * opacity + BACKGROUND[channel] * (1 - opacity));
      setPixel(canvas, PADDING + x, top + y, [blend(0), blend(1), blend(2)]);
    }
  }
}

/** Both ends are drawn. */
function drawColumn(canvas: Pixels, x: number, top: number, bottom: number): void {
  for (let y = top; y <= bottom; y += 1) setPixel(canvas, x, y, WAVE);
}

/** What lies outside is left out. */
function setPixel({ width, height, rgb }: Pixels, x: number, y: number, colour: readonly number[]): void {
  if (x < width && y >= 0 && y < height) rgb.set(colour, 3 * (y * width + x));
}
