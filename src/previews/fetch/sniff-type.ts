import { findPictureFormat } from '../../thumbnails/index.ts';

/** So much is looked at. */
const HEAD_BYTES = 1_445;

/**
 * The type of a file whose sender does not know it, by its first bytes; empty for what may be a page, or any text.
 * https://mimesniff.spec.whatwg.org, "rules for identifying an unknown MIME type", as far as previews are concerned
 */
export function sniffType(first: Buffer): string {
  const head = first.subarray(0, HEAD_BYTES);
  const format = findPictureFormat(head);
  if (format !== undefined && format !== 'svg') return `image/${format}`; // pages have drawings in them
  const hasMark = (head[0] === 0xfe && head[1] === 0xff) || (head[0] === 0xff && head[1] === 0xfe); // UTF-16 has zeros
  return !hasMark && head.some(isNoText) ? 'application/octet-stream' : '';
}

/** Bytes that no text has, whatever its encoding; ESC is one of ISO-2022-JP. */
function isNoText(byte: number): boolean {
  return byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f);
}
