import type { PixelSource } from '../pixels.ts';
import { decodeDib, hasItsPixels } from './decode-dib.ts';
import { readDibHeader } from './dib-header.ts';

const FILE_HEADER_BYTES = 14;

/** Reads the headers. @returns `undefined` for what is no BMP, or lacks some of its pixels */
export function openBmp(source: Buffer): PixelSource | undefined {
  const header = readDibHeader(source, FILE_HEADER_BYTES);
  if (header === undefined) return undefined;
  const start = source.readUInt32LE(10);
  // Not `header.end`: a palette may be shorter than what is usual, and then the pixels are where it would be.
  if (start < header.palette.start || !hasItsPixels(source, header, start)) return undefined;
  const room = Math.floor((start - header.palette.start) / header.palette.colourBytes);
  const palette = { ...header.palette, colours: Math.min(header.palette.colours, room) };
  const { width, height, profile } = header;
  return {
    width,
    height,
    hasAlpha: header.isRunLength || header.masks[3] !== 0,
    decode: async () => ({
      width,
      height,
      channels: 4,
      data: decodeDib(source, { ...header, palette }, start),
      ...(profile && { profile: source.subarray(profile.start, profile.start + profile.bytes) }),
    }),
  };
}
