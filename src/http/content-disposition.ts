import { create } from 'content-disposition';
import { essenceOf } from '../matrix/index.ts';

/** The specification's complete list, "Serving inline content" (CD-2). */
const INLINE_TYPES: ReadonlySet<string> = new Set([
  'text/css',
  'text/plain',
  'text/csv',
  'application/json',
  'application/ld+json',
  'image/jpeg',
  'image/gif',
  'image/png',
  'image/apng',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'audio/mp4',
  'audio/webm',
  'audio/aac',
  'audio/mpeg',
  'audio/ogg',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/flac',
  'audio/x-flac',
]);

/**
 * `inline` for what browsers show without running it, unless it may not be, else `attachment`; the name in RFC 6266's
 * forms. Specification: CD-1 to CD-7, CD-9.
 */
export function formatDisposition(contentType: string, fileName: string | undefined, asAttachment = false): string {
  const type = !asAttachment && INLINE_TYPES.has(essenceOf(contentType)) ? 'inline' : 'attachment';
  return fileName === undefined ? type : create(fileName, { type });
}
