import { essenceOf } from '../matrix/index.ts';

/** Texts of which nobody said in which charset they are get UTF-8; everything else stays as it is (CT-1, CT-3). */
export function nameCharset(contentType: string): string {
  const needsCharset = essenceOf(contentType).startsWith('text/') && !/;\s*charset\s*=/i.test(contentType);
  return needsCharset ? `${contentType}; charset=utf-8` : contentType;
}

/**
 * The type as it was said, parameters included, unless it could do harm in a header (U-9). Also for what is stored:
 * other programs have kept types as they came.
 */
export function cleanContentType(type: string | undefined): string {
  const isHarmless =
    type !== undefined && /^[\x20-\x7e]{1,255}$/.test(type) && /^[^/\s;]+\/[^/\s;]+\s*(;.*)?$/.test(type);
  return isHarmless ? type : 'application/octet-stream';
}
