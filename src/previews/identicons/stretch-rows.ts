import type { Size } from '../../thumbnails/index.ts';

const LOBES = 3;

/**
 * Gives a picture another height by the Lanczos filter with three lobes, as matrix-media-repo computes it.
 * @param rgb red, green, blue, row by row
 */
export function stretchRows(rgb: Uint8Array, { width, height }: Size, newHeight: number): Uint8Array {
  const rowBytes = width * 3;
  const stretched = new Uint8Array(rowBytes * newHeight);
  for (let row = 0; row < newHeight; row += 1) {
    const taps = tapsOf(row, height, newHeight);
    for (let at = 0; at < rowBytes; at += 1) {
      let sum = 0;
      for (const { from, weight } of taps) sum += (rgb[from * rowBytes + at] ?? 0) * weight;
      stretched[row * rowBytes + at] = Math.min(255, Math.max(0, Math.trunc(sum + 0.5)));
    }
  }
  return stretched;
}

interface Tap {
  /** The row that is read. */
  readonly from: number;
  readonly weight: number;
}

/** Their weights add up to 1, also at the edges. */
function tapsOf(row: number, height: number, newHeight: number): Tap[] {
  const ratio = height / newHeight;
  const scale = Math.max(1, ratio);
  const radius = Math.ceil(scale * LOBES);
  const centre = (row + 0.5) * ratio - 0.5;
  const first = Math.max(0, Math.ceil(centre - radius));
  const last = Math.min(height - 1, Math.floor(centre + radius));
  const taps: Tap[] = [];
  let total = 0;
  for (let from = first; from <= last; from += 1) {
    const weight = lanczos((from - centre) / scale);
    if (weight !== 0) taps.push({ from, weight });
    total += weight;
  }
  return taps.map(({ from, weight }) => ({ from, weight: weight / total }));
}

function lanczos(x: number): number {
  return Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
