import { hash } from 'node:crypto';
import { encodePng, type Size } from '../../thumbnails/index.ts';
import { stretchRows } from './stretch-rows.ts';

const PALETTE = [
  [45, 79, 255],
  [254, 180, 44],
  [226, 121, 234],
  [30, 179, 253],
  [232, 77, 65],
  [49, 203, 115],
  [141, 69, 170],
] as const;
const BACKGROUND = 224;
/** Of columns and rows. */
const CELLS = 5;

/** The picture that matrix-media-repo makes of a text, pixel by pixel, as PNG. @param seed with its leading slash */
export async function drawIdenticon(seed: string, size: Size): Promise<Buffer> {
  return await encodePng({ ...size, rgb: paintIdenticon(seed, size) });
}

/** A square as wide as the picture, stretched to its height. @returns red, green, blue, row by row */
export function paintIdenticon(seed: string, { width, height }: Size): Uint8Array {
  const digest = hash('md5', seed, 'buffer');
  const square = paintSquare(digest, width);
  return height === width ? square : stretchRows(square, { width, height: width }, height);
}

function paintSquare(digest: Buffer, side: number): Uint8Array {
  const colour = PALETTE[digest.readUInt8(0) % PALETTE.length] ?? PALETTE[0];
  const cell = Math.floor(side / 6);
  const padding = Math.floor(cell / 2);
  const rgb = new Uint8Array(side * side * 3).fill(BACKGROUND);
  const paintCell = (column: number, row: number) => {
    for (let y = padding + row * cell; y < padding + (row + 1) * cell; y += 1) {
      for (let x = padding + column * cell; x < padding + (column + 1) * cell; x += 1) {
        rgb.set(colour, (y * side + x) * 3);
      }
    }
  };
  for (const index of filledCells(digest)) {
    const column = Math.floor(index / CELLS);
    paintCell(column, index % CELLS);
    paintCell(CELLS - 1 - column, index % CELLS); // the right half mirrors the left one
  }
  return rgb;
}

/** By column: the first three, from top to bottom. */
function filledCells(digest: Buffer): number[] {
  const bits = digest.readUInt16BE(1);
  return Array.from({ length: 3 * CELLS }, (_, index) => index).filter((index) => ((bits >> (15 - index)) & 1) === 1);
}
