import type { DibHeader } from './dib-header.ts';

/** Rows fill up to four bytes. */
export function strideOf({ width, bits }: Pick<DibHeader, 'width' | 'bits'>): number {
  return Math.ceil((width * bits) / 32) * 4;
}

/** Calls back for each row of the file with where it starts there, and where it starts in the picture. */
export function forEachRow(
  header: DibHeader,
  start: number,
  decodeRow: (rowStart: number, targetStart: number) => void,
): void {
  const stride = strideOf(header);
  for (let row = 0; row < header.height; row += 1) {
    const y = header.isTopDown ? row : header.height - 1 - row;
    decodeRow(start + row * stride, y * header.width * 4);
  }
}
