import type { ByteRange } from '../datastores/index.ts';
import { RangeNotSatisfiable } from '../matrix/index.ts';

const RANGE_UNIT = /^bytes=/i;
const ONE_RANGE = /^[ \t]*(\d*)-(\d*)[ \t]*$/;
/** Who wants more pieces than that wants to make work (RFC 9110, section 17.15). */
const MAX_RANGES = 16;

/**
 * The ranges of a `Range` header, cut to the file, in the order in which they were asked for; those that touch or
 * overlap are made one. `undefined`: send all of it. A header that makes no sense, or asks for too many pieces, is
 * ignored, as RFC 9110, section 14.2 allows.
 * @param sizeBytes at least 1
 * @param openEndBytes the most that a single range without an end gets
 * @throws {RangeNotSatisfiable} when no range has a byte of the file
 */
export function parseRanges(
  header: string,
  sizeBytes: number,
  openEndBytes = Number.POSITIVE_INFINITY,
): readonly ByteRange[] | undefined {
  if (!RANGE_UNIT.test(header)) return undefined;
  const specs = header.slice('bytes='.length).split(',');
  const wanted = specs.filter((spec) => spec.trim() !== '');
  if (wanted.length === 0 || wanted.length > MAX_RANGES) return undefined;
  const endless = wanted.length === 1 ? openEndBytes : Number.POSITIVE_INFINITY;
  const ranges: ByteRange[] = [];
  for (const spec of wanted) {
    const range = parseOne(spec, sizeBytes, endless);
    if (range === 'senseless') return undefined;
    if (range !== 'outside') ranges.push(range);
  }
  if (ranges.length === 0) throw new RangeNotSatisfiable(sizeBytes);
  return joinTouching(ranges);
}

function parseOne(spec: string, sizeBytes: number, openEndBytes: number): ByteRange | 'senseless' | 'outside' {
  const [, first = '', last = ''] = ONE_RANGE.exec(spec) ?? [];
  if (first === '' && last === '') return 'senseless';
  if (first === '') {
    const suffix = Number(last);
    return suffix === 0 ? 'outside' : { start: Math.max(0, sizeBytes - suffix), end: sizeBytes - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'senseless';
  if (start >= sizeBytes) return 'outside';
  return { start, end: Math.min(last === '' ? start + openEndBytes - 1 : Number(last), sizeBytes - 1) };
}

/** Overlapping ranges would let a short request ask for a long answer. */
function joinTouching(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of ranges) {
    let merged = range;
    for (let at = 0; at < joined.length; ) {
      const other = joined[at];
      if (other === undefined || other.start > merged.end + 1 || merged.start > other.end + 1) {
        at += 1;
        continue;
      }
      merged = { start: Math.min(other.start, merged.start), end: Math.max(other.end, merged.end) };
      joined.splice(at, 1);
      at = 0;
    }
    joined.push(merged);
  }
  return joined;
}
