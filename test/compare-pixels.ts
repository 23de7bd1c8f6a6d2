import assert from 'node:assert/strict';
import sharp from 'sharp';
import type { Method, Size } from '../src/thumbnails/index.ts';
import { COLOURS, type Colour, type Corners, UPRIGHT } from './pictures.ts';

export type Hue = Colour | 'transparent';

/** Red, green and blue of each. */
export type Palette = Readonly<Record<Colour, readonly number[]>>;

/** What is to be seen at a point of the source, in its pixels, as it is meant to be seen. */
export type Drawing = (x: number, y: number) => Hue;

/** What is drawn by `paint`. */
export function quartersOf({ width, height }: Size, corners: Corners | readonly Hue[] = UPRIGHT): Drawing {
  return (x, y) => corners[(x < Math.floor(width / 2) ? 0 : 1) + (y < Math.floor(height / 2) ? 0 : 2)] ?? 'transparent';
}

/** Fields of 40 pixels, in which a crop that is too large, too small, or moved shows. */
export const fields: Drawing = (x, y) =>
  (['red', 'green', 'blue', 'yellow'] as const)[(Math.floor(x / 40) + 2 * Math.floor(y / 40)) & 3] ?? 'red';

/** RGB, without gaps. */
export function paintFields({ width, height }: Size): Buffer {
  const place = (pixel: number) => fields(pixel % width, Math.floor(pixel / width)) as Colour;
  return Buffer.from(Array.from({ length: width * height }, (_, pixel) => COLOURS[place(pixel)]).flat());
}

/** Near an edge of the drawing the colours mix: by the resampling, and by what JPEG and video keep of them. */
const EDGE_PIXELS = 4;

/**
 * Compares every pixel that is not at an edge of the drawing with what a thumbnail of the source has to show there.
 * @param tolerance how far each channel may be off
 */
export async function assertShows(
  picture: Buffer,
  source: Size,
  drawing: Drawing,
  look: {
    readonly method: Method;
    readonly tolerance: number;
    readonly what: string;
    /** In place of `COLOURS`, what the source can have of them. */
    readonly colours?: Palette | undefined;
  },
): Promise<void> {
  const { method, tolerance, what, colours = COLOURS } = look;
  const { data, info } = await sharp(picture).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const shrinks = [source.width / info.width, source.height / info.height] as const;
  // A crop has one factor for both sides, the smaller one, and lies in the middle.
  const [across, down] = method === 'crop' ? [Math.min(...shrinks), Math.min(...shrinks)] : shrinks;
  const left = (source.width - info.width * across) / 2;
  const top = (source.height - info.height * down) / 2;
  const hueAt = (x: number, y: number) => drawing(left + (x + 0.5) * across, top + (y + 0.5) * down);
  let compared = 0;
  for (let y = 0; y < info.height; y += 1) {
    for (let x = 0; x < info.width; x += 1) {
      const hue = hueAt(x, y);
      const isAtEdge = [-EDGE_PIXELS, EDGE_PIXELS].some((away) =>
        [hueAt(x + away, y), hueAt(x, y + away), hueAt(x + away, y + away), hueAt(x + away, y - away)].some(
          (other) => other !== hue,
        ),
      );
      if (isAtEdge) continue;
      compared += 1;
      const pixel = [...data.subarray((y * info.width + x) * 4).subarray(0, 4)];
      assert.ok(
        isNear(pixel, hue === 'transparent' ? undefined : colours[hue], tolerance),
        `${what}: at ${x}, ${y} is ${pixel.join()} in place of ${hue}`,
      );
    }
  }
  assert.ok(compared > 0.2 * info.width * info.height, `${what}: only ${compared} pixels tell something`);
}

/** @param wanted `undefined`: nothing is to be seen there */
function isNear(pixel: readonly number[], wanted: readonly number[] | undefined, tolerance: number): boolean {
  const alpha = pixel[3] ?? 0;
  if (wanted === undefined) return alpha <= 2;
  return alpha >= 253 && wanted.every((channel, index) => Math.abs((pixel[index] ?? 0) - channel) <= tolerance);
}
