import type { ByteRange } from '../datastores/index.ts';
import { RangeNotSatisfiable } from '../matrix/index.ts';

const SINGLE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * The one range of a `Range` header, cut to the file; `undefined`: send all of it. A header that makes no sense or asks
 * for several ranges is ignored, as RFC 9110, section 14.2 allows.
 * @param sizeBytes at least 1
 * @throws {RangeNotSatisfiable} when the range has no byte of the file
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | undefined {
  const [, first = '', last = ''] = SINGLE_RANGE.exec(header) ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const suffix = Number(last);
    if (suffix === 0) throw new RangeNotSatisfiable(sizeBytes);
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= sizeBytes) throw new RangeNotSatisfiable(sizeBytes);
  return { start, end };
}
