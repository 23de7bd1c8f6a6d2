import type { DibHeader } from './dib-header.ts';
import { readPalette } from './dib-palette.ts';

const [END_OF_LINE, END_OF_PICTURE, MOVE] = [0, 1, 2] as const;

/**
 * RLE8 and RLE4. What is moved over stays transparent, as in browsers.
 * @throws {Error} when the file ends before the picture does
 */
export function decodeRunLength(bytes: Buffer, header: DibHeader, start: number, rgba: Buffer): void {
  const { width, height, bits } = header;
  const palette = readPalette(bytes, header);
  let [x, row, position] = [0, 0, start];
  const next = () => {
    const byte = bytes[position];
    if (byte === undefined) throw new Error('The runs end before the picture');
    position += 1;
    return byte;
  };
  const paint = (index: number) => {
    // Some encoders pad runs beyond the row.
    if (x < width) palette.copy(rgba, ((height - 1 - row) * width + x) * 4, index * 4, index * 4 + 4);
    x += 1;
  };
  /** Of RLE4 a byte has two pixels, the upper half first. */
  const indexIn = (byte: number, n: number) => (bits === 8 ? byte : n % 2 === 0 ? byte >> 4 : byte & 15);

  while (row < height) {
    const count = next();
    const value = next();
    if (count > 0) {
      for (let n = 0; n < count; n += 1) paint(indexIn(value, n));
    } else if (value === END_OF_PICTURE) {
      return;
    } else if (value === END_OF_LINE) {
      x = 0;
      row += 1;
    } else if (value === MOVE) {
      x += next();
      row += next();
    } else {
      const first = position;
      let byte = 0;
      for (let n = 0; n < value; n += 1) {
        if (bits === 8 || n % 2 === 0) byte = next();
        paint(indexIn(byte, n));
      }
      if ((position - first) % 2 === 1) position += 1; // to an even number of bytes
    }
  }
}
