const MAX_NAME_BYTES = 255;

/** What a file is called in answers; `undefined`: nothing. MMR writes a dot for uploads without a name. */
export function nameToSend(name: string): string | undefined {
  const cleaned = cleanUploadName(name);
  return cleaned === '' || cleaned === '.' ? undefined : cleaned;
}

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
