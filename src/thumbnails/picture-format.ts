/** What the decoders of the workers read. */
export type PictureFormat = (typeof SAFE_FORMATS)[number] | (typeof LISTED_FORMATS)[number]['format'];

/** What every browser decodes. Media of any listed type may be in one of these, whatever it says of itself. */
const SAFE_FORMATS = ['jpeg', 'png', 'gif', 'webp', 'avif'] as const;

/** What can do more harm, or costs more; decoded where the operator has listed the type. */
const LISTED_FORMATS = [
  { format: 'tiff', type: 'image/tiff' },
  { format: 'svg', type: 'image/svg+xml' },
] as const;

/** @param types `thumbnails.types` */
export function formatsAllowedBy(types: readonly string[]): readonly PictureFormat[] {
  return [...SAFE_FORMATS, ...LISTED_FORMATS.filter(({ type }) => types.includes(type)).map(({ format }) => format)];
}

const STARTS: readonly (readonly [format: PictureFormat, pattern: RegExp])[] = [
  ['jpeg', /^\xff\xd8\xff/],
  ['png', /^\x89PNG\r\n\x1a\n/],
  ['gif', /^GIF8[79]a/],
  ['webp', /^RIFF.{4}WEBP/s],
  ['avif', /^.{4}ftyp(?:.{4})*?avi[fs]/s],
  ['tiff', /^(?:II[*+]\0|MM\0[*+])/],
  ['svg', /^(?:\xef\xbb\xbf)?\s*(?:<.*)?<svg[\s>]/is],
];
const START_BYTES = 1000;

/** By its first bytes, before any decoder sees one of them. */
export function findPictureFormat(bytes: Buffer): PictureFormat | undefined {
  const start = bytes.toString('latin1', 0, START_BYTES);
  return STARTS.find(([, pattern]) => pattern.test(start))?.[0];
}
