import type { DibHeader } from './dib-header.ts';

const COLOURS = 256;

/** 256 colours as RGBA; those that the file does not have are black. */
export function readPalette(bytes: Buffer, { palette }: Pick<DibHeader, 'palette'>): Buffer {
  const rgba = Buffer.alloc(COLOURS * 4);
  for (let index = 0; index < COLOURS; index += 1) {
    const from = palette.start + index * palette.colourBytes;
    const isThere = index < palette.colours && from + 3 <= bytes.length;
    const [blue = 0, green = 0, red = 0] = isThere ? bytes.subarray(from, from + 3) : [];
    rgba.set([red, green, blue, 255], index * 4);
  }
  return rgba;
}
