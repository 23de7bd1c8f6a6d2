import { randomBytes } from 'node:crypto';
import type { ByteRange } from '../datastores/index.ts';

/** Of a body, in order: a part of the object, or what stands before, between and behind its parts. */
export type Piece = ByteRange | Buffer;

/** A body that is not there yet, and the headers that belong to it. */
export interface BodyLayout {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the media is, or its own headers with what it consists of. */
export type MixedMedia =
  | { readonly location: string }
  | { readonly headers: Readonly<Record<string, string>>; readonly sizeBytes: number };

/** All of the object, or these ranges of it. RFC 9110, sections 14.4 and 14.6. */
export function layOutRanges(
  ranges: readonly ByteRange[] | undefined,
  sizeBytes: number,
  contentType: string,
): BodyLayout {
  if (ranges === undefined) return { pieces: wholeOf(sizeBytes), bytes: sizeBytes, headers: {} };
  const [first] = ranges;
  if (first !== undefined && ranges.length === 1) {
    return { pieces: ranges, bytes: lengthOf(first), headers: { 'Content-Range': formatRange(first, sizeBytes) } };
  }
  const boundary = newBoundary();
  const parts = ranges.map((range) => ({
    headers: { 'Content-Type': contentType, 'Content-Range': formatRange(range, sizeBytes) },
    content: [range],
  }));
  return layOutParts(parts, boundary, 'multipart/byteranges');
}

/** What servers get: metadata, of which there is none yet, and the media. Specification: FED-5 to FED-8. */
export function layOutMixed(media: MixedMedia): BodyLayout {
  const metadata = { headers: { 'Content-Type': 'application/json' }, content: [Buffer.from('{}')] };
  const second =
    'location' in media
      ? { headers: { Location: media.location }, content: [] }
      : { headers: media.headers, content: wholeOf(media.sizeBytes) };
  return layOutParts([metadata, second], newBoundary(), 'multipart/mixed');
}

/** RFC 2046, section 5.1.1. */
function layOutParts(
  parts: readonly { readonly headers: Readonly<Record<string, string>>; readonly content: readonly Piece[] }[],
  boundary: string,
  contentType: string,
): BodyLayout {
  const pieces = parts.flatMap(({ headers, content }, at): Piece[] => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${at === 0 ? '' : '\r\n'}--${boundary}\r\n${lines.join('')}\r\n`;
    return [Buffer.from(head, 'latin1'), ...content];
  });
  pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'));
  const bytes = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
  return { pieces, bytes, headers: { 'Content-Type': `${contentType}; boundary=${boundary}` } };
}

/** Nobody can foresee it, so no media holds it. */
function newBoundary(): string {
  return randomBytes(18).toString('hex');
}

/** An empty object has no range. */
function wholeOf(sizeBytes: number): readonly ByteRange[] {
  return sizeBytes === 0 ? [] : [{ start: 0, end: sizeBytes - 1 }];
}

function lengthOf(piece: Piece): number {
  return Buffer.isBuffer(piece) ? piece.length : piece.end - piece.start + 1;
}

function formatRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end}/${sizeBytes}`;
}
