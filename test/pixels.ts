import { type Colour, colourNear } from './pictures.ts';

interface RawPixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Buffer;
}

/** The colours of the four corners of raw pixels, in the order of `UPRIGHT`. */
export function cornersOfPixels(pixels: RawPixels | undefined): readonly (Colour | 'transparent')[] {
  if (pixels === undefined) return [];
  const { width, height, channels, data } = pixels;
  const [left, right] = [Math.floor(width * 0.15), Math.floor(width * 0.85)];
  const [top, bottom] = [Math.floor(height * 0.15), Math.floor(height * 0.75)];
  const places = [[left, top] as const, [right, top] as const, [left, bottom] as const, [right, bottom] as const];
  return places.map(([x, y]) => {
    const [red = 0, green = 0, blue = 0, alpha = 255] = data.subarray((y * width + x) * channels).subarray(0, channels);
    return alpha < 128 ? 'transparent' : colourNear([red, green, blue]);
  });
}
