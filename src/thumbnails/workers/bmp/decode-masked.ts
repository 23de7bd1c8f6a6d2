import type { DibHeader } from './dib-header.ts';
import { forEachRow } from './dib-rows.ts';

interface Channel {
  readonly mask: number;
  readonly shift: number;
  readonly max: number;
}

/** Pixels of 16 and 32 bits. */
export function decodeMasked(bytes: Buffer, header: DibHeader, start: number, rgba: Buffer): void {
  const [red, green, blue, alpha] = header.masks.map(toChannel);
  if (red === undefined || green === undefined || blue === undefined || alpha === undefined) return;
  const pixelBytes = header.bits / 8;
  const isWide = pixelBytes === 4;
  let hasVisible = alpha.mask === 0;
  forEachRow(header, start, (rowStart, targetStart) => {
    for (let x = 0; x < header.width; x += 1) {
      const from = rowStart + x * pixelBytes;
      const pixel = isWide ? bytes.readUInt32LE(from) : bytes.readUInt16LE(from);
      const to = targetStart + x * 4;
      rgba[to] = scale(pixel, red);
      rgba[to + 1] = scale(pixel, green);
      rgba[to + 2] = scale(pixel, blue);
      const opacity = alpha.mask === 0 ? 255 : scale(pixel, alpha);
      rgba[to + 3] = opacity;
      hasVisible ||= opacity > 0;
    }
  });
  // Many programs announce an alpha and leave it at zero; nobody means a picture that cannot be seen.
  if (!hasVisible) for (let to = 3; to < rgba.length; to += 4) rgba[to] = 255;
}

function toChannel(mask: number): Channel {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  return { mask, shift, max: Math.max(mask >>> shift, 1) };
}

function scale(pixel: number, { mask, shift, max }: Channel): number {
  return Math.round((((pixel & mask) >>> shift) * 255) / max);
}
