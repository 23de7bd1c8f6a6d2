import { decodeMasked } from './decode-masked.ts';
import { decodeRunLength } from './decode-run-length.ts';
import type { DibHeader } from './dib-header.ts';
import { readPalette } from './dib-palette.ts';
import { forEachRow, strideOf } from './dib-rows.ts';

/** @returns whether all pixels that the header promises are there; of compressed ones only reading tells */
export function hasItsPixels(bytes: Buffer, header: DibHeader, start: number): boolean {
  if (header.isRunLength) return start < bytes.length;
  return start + strideOf(header) * (header.height - 1) + Math.ceil((header.width * header.bits) / 8) <= bytes.length;
}

/**
 * To be called after {@link hasItsPixels} and with a size that has been checked.
 * @returns RGBA, from the top row to the last
 * @throws {Error} for compressed pixels that end too early or go beyond the picture
 */
export function decodeDib(bytes: Buffer, header: DibHeader, start: number): Buffer {
  const rgba = Buffer.alloc(header.width * header.height * 4);
  if (header.isRunLength) decodeRunLength(bytes, header, start, rgba);
  else if (header.bits === 24) decode24(bytes, header, start, rgba);
  else if (header.bits <= 8) decodeIndexed(bytes, header, start, rgba);
  else decodeMasked(bytes, header, start, rgba);
  return rgba;
}

function decode24(bytes: Buffer, header: DibHeader, start: number, rgba: Buffer): void {
  forEachRow(header, start, (rowStart, targetStart) => {
    let [from, to] = [rowStart, targetStart];
    for (let x = 0; x < header.width; x += 1) {
      rgba[to] = bytes[from + 2] ?? 0;
      rgba[to + 1] = bytes[from + 1] ?? 0;
      rgba[to + 2] = bytes[from] ?? 0;
      rgba[to + 3] = 255;
      from += 3;
      to += 4;
    }
  });
}

function decodeIndexed(bytes: Buffer, header: DibHeader, start: number, rgba: Buffer): void {
  const palette = readPalette(bytes, header);
  const { bits } = header;
  const lastOfByte = 8 - bits;
  const mask = 2 ** bits - 1;
  forEachRow(header, start, (rowStart, targetStart) => {
    for (let x = 0; x < header.width; x += 1) {
      const bit = x * bits;
      const index = ((bytes[rowStart + (bit >>> 3)] ?? 0) >> (lastOfByte - (bit & 7))) & mask;
      palette.copy(rgba, targetStart + x * 4, index * 4, index * 4 + 4);
    }
  });
}
