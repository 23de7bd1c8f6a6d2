import sharp, { type Sharp } from 'sharp';
import type { Pixels } from './pixels.ts';
import { wrapInTiff } from './wrap-in-tiff.ts';

/** They were checked before the pixels were there. */
const LIMITS = { limitInputPixels: false, sequentialRead: true } as const;

/** From here on, resizing and encoding are the same for all formats. */
export function toSharp(pixels: Pixels): Sharp {
  // Raw pixels cannot have a profile in sharp; a TIFF is the same pixels behind a header that can.
  if (pixels.profile !== undefined) return sharp(wrapInTiff({ ...pixels, profile: pixels.profile }), LIMITS);
  const { width, height, channels, isPremultiplied = false } = pixels;
  return sharp(pixels.data, { ...LIMITS, raw: { width, height, channels, premultiplied: isPremultiplied } });
}
