const MAX_NAME_BYTES = 255;

/** Without control characters, and not longer than file systems take, cut between characters (CD-7). */
export function cleanUploadName(name: string): string {
  let kept = '';
  let bytes = 0;
  for (const character of name.toWellFormed().replace(/\p{Cc}/gu, '')) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_NAME_BYTES) break;
    kept += character;
  }
  return kept;
}
