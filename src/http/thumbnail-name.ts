/** What a thumbnail is called, whatever its media is. */
export function nameOfThumbnail(contentType: string): string {
  return `thumbnail.${EXTENSIONS[contentType] ?? 'bin'}`;
}

/** Of the types that a thumbnail may have (TH-12), and of those that are asked for by name. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/apng': 'apng',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
};
