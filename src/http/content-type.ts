/** Type and subtype in lower case, without parameters. */
export function essenceOf(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Texts of which nobody said in which charset they are get UTF-8; everything else stays as it is (CT-1, CT-3). */
export function nameCharset(contentType: string): string {
  const needsCharset = essenceOf(contentType).startsWith('text/') && !/;\s*charset\s*=/i.test(contentType);
  return needsCharset ? `${contentType}; charset=utf-8` : contentType;
}
