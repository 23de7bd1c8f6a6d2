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

/**
 * A square as wide as the picture, stretched to its height. All columns of pixels within a column of cells are alike, and
 * those around the cells too: one of each is painted and stretched, and repeated in the end.
 * @returns red, green, blue, row by row
 */
export function paintIdenticon(seed: string, { width, height }: Size): Uint8Array {
  const digest = hash('md5', seed, 'buffer');
  const columns = paintColumns(digest, width);
  return widen(height === width ? columns : stretchRows(columns, { width: COLUMNS, height: width }, height), width);
}

/** One pixel for what is around the cells, then one for each column of them. */
const COLUMNS = 1 + CELLS;

/** @param side of the square */
function paintColumns(digest: Buffer, side: number): Uint8Array {
  const colour = PALETTE[digest.readUInt8(0) % PALETTE.length] ?? PALETTE[0];
  const { cell, padding } = measureCells(side);
  const rgb = new Uint8Array(COLUMNS * side * 3).fill(BACKGROUND);
  const paintCell = (column: number, row: number) => {
    for (let y = padding + row * cell; y < padding + (row + 1) * cell; y += 1) {
      rgb.set(colour, (y * COLUMNS + 1 + column) * 3);
    }
  };
  for (const index of filledCells(digest)) {
    const column = Math.floor(index / CELLS);
    paintCell(column, index % CELLS);
    paintCell(CELLS - 1 - column, index % CELLS); // the right half mirrors the left one
  }
  return rgb;
}

/** @param columns a row of them after the other */
function widen(columns: Uint8Array, width: number): Uint8Array {
  const { cell, padding } = measureCells(width);
  const sources = Array.from({ length: width }, (_, x) => {
    const column = Math.floor((x - padding) / cell);
    return column >= 0 && column < CELLS ? 1 + column : 0;
  });
  const height = columns.length / (COLUMNS * 3);
  const rgb = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    for (const source of sources) {
      const from = (y * COLUMNS + source) * 3;
      rgb[at] = columns[from] ?? 0;
      rgb[at + 1] = columns[from + 1] ?? 0;
      rgb[at + 2] = columns[from + 2] ?? 0;
      at += 3;
    }
  }
  return rgb;
}

function measureCells(side: number): { readonly cell: number; readonly padding: number } {
  const cell = Math.floor(side / 6);
  return { cell, padding: Math.floor(cell / 2) };
}

/** By column: the first three, from top to bottom. */
function filledCells(digest: Buffer): number[] {
  const bits = digest.readUInt16BE(1);
  return Array.from({ length: 3 * CELLS }, (_, index) => index).filter((index) => ((bits >> (15 - index)) & 1) === 1);
}
