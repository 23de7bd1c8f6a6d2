/** What the decoders of the workers read. */
export type PictureFormat = (typeof SAFE_FORMATS)[number] | (typeof LISTED_FORMATS)[number]['format'];

/** What every browser decodes. Media of any listed type may be in one of these, whatever it says of itself. */
const SAFE_FORMATS = ['jpeg', 'png', 'gif', 'webp', 'avif'] as const;

/** What can do more harm, or costs more; decoded where the operator has listed one of the types. */
const LISTED_FORMATS = [
  { format: 'tiff', types: ['image/tiff'] },
  { format: 'svg', types: ['image/svg+xml'] },
  { format: 'bmp', types: ['image/bmp', 'image/x-bmp', 'image/x-ms-bmp'] },
  { format: 'ico', types: ['image/vnd.microsoft.icon', 'image/x-icon'] },
  { format: 'heic', types: ['image/heic', 'image/heif'] },
  { format: 'jxl', types: ['image/jxl'] },
] as const;

/** @param listed `thumbnails.types` */
export function formatsAllowedBy(listed: readonly string[]): readonly PictureFormat[] {
  const isListed = ({ types }: (typeof LISTED_FORMATS)[number]) => types.some((type) => coversType(listed, type));
  return [...SAFE_FORMATS, ...LISTED_FORMATS.filter(isListed).map(({ format }) => format)];
}

/**
 * @param listed `thumbnails.types`, in which `*` stands for any text, as in `image/*`
 * @param type without parameters
 */
export function coversType(listed: readonly string[], type: string): boolean {
  return listed.some((entry) => {
    const texts = entry.split('*').map((text) => RegExp.escape(text));
    return new RegExp(`^${texts.join('.*')}$`, 'i').test(type);
  });
}

const STARTS: readonly (readonly [format: PictureFormat, pattern: RegExp])[] = [
  ['jpeg', /^\xff\xd8\xff/],
  ['png', /^\x89PNG\r\n\x1a\n/],
  ['gif', /^GIF8[79]a/],
  ['webp', /^RIFF.{4}WEBP/s],
  ['avif', /^.{4}ftyp(?:.{4})*?avi[fs]/s],
  ['heic', /^.{4}ftyp(?:.{4})*?(?:he[iv][cmsx]|mif1|msf1)/s],
  ['jxl', /^(?:\xff\n|\0\0\0\fJXL \r\n\x87\n)/],
  ['tiff', /^(?:II[*+]\0|MM\0[*+])/],
  ['bmp', /^BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0/s],
  ['ico', /^\0\0[\x01\x02]\0(?!\0\0)/],
  ['svg', /^(?:\xef\xbb\xbf)?\s*(?:<.*)?<svg[\s>]/is],
];
const START_BYTES = 1000;

/** By its first bytes, before any decoder sees one of them. */
export function findPictureFormat(bytes: Buffer): PictureFormat | undefined {
  const start = bytes.toString('latin1', 0, START_BYTES);
  return STARTS.find(([, pattern]) => pattern.test(start))?.[0];
}
