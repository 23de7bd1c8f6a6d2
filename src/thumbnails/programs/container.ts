/** What kinds of media a container may hold, and what they need: video and audio ffmpeg, documents pdftoppm. */
export const FAMILIES = ['video', 'audio', 'document'] as const;
export type Family = (typeof FAMILIES)[number];

/** The files that programs read, by the names that ffmpeg has for its demuxers, and PDF. */
export type Container = Demuxer | 'pdf';
export type Demuxer = 'mov' | 'matroska' | 'ogg' | 'wav' | 'flac' | 'mp3' | 'aac';

/** So many first bytes are enough for {@link findContainer}. */
export const CONTAINER_START_BYTES = 4096;

const HELD: Readonly<Record<Container, readonly Family[]>> = {
  mov: ['video', 'audio'],
  matroska: ['video', 'audio'],
  ogg: ['video', 'audio'],
  wav: ['audio'],
  flac: ['audio'],
  mp3: ['audio'],
  aac: ['audio'],
  pdf: ['document'],
};

/** Whether a file of this container may hold what is allowed. */
export function mayHold(container: Container, allowed: readonly Family[]): boolean {
  return HELD[container].some((family) => allowed.includes(family));
}

/** Playlists, concatenations, image sequences: none of what names other files is here, and none is to be added. */
const STARTS: readonly (readonly [container: Container, pattern: RegExp])[] = [
  // Not the pictures that come in the same boxes: HEIF, AVIF, JPEG 2000, Canon's raw ones.
  ['mov', /^.{4}ftyp(?!mif[12]|ms[f1]1|hei[cfmsx]|hev[cfmsx]|avi[fs]|jp[2xm] |crx )/s],
  ['mov', /^.{4}(?:moov|mdat|wide|free|skip)/s], // QuickTime before it told its type
  ['matroska', /^\x1aE\xdf\xa3/],
  ['ogg', /^OggS/],
  ['wav', /^(?:RIFF|RF64).{4}WAVE/s],
  ['flac', /^fLaC/],
  ['aac', /^\xff[\xf0\xf1\xf8\xf9]/],
  ['mp3', /^\xff[\xe2-\xe7\xf2-\xf7\xfa-\xfd]/],
  ['pdf', /^(?:\xef\xbb\xbf)?\s{0,16}%PDF-\d/],
];
const ID3_HEADER_BYTES = 10;

/** By its first bytes, before any program sees one of them: they decide which demuxer is told to read the file. */
export function findContainer(bytes: Buffer): Container | undefined {
  const start = bytes.toString('latin1', afterId3(bytes), CONTAINER_START_BYTES);
  const found = STARTS.find(([, pattern]) => pattern.test(start))?.[0];
  // A tag is longer than these bytes as soon as it has a picture; what follows is an MP3 nearly always.
  return found ?? (start === '' && isId3(bytes) ? 'mp3' : undefined);
}

function isId3(bytes: Buffer): boolean {
  return bytes.length > ID3_HEADER_BYTES && bytes.toString('latin1', 0, 3) === 'ID3';
}

/** Where the file itself begins; the length of the tag before it is in four groups of seven bits. ID3v2, section 3.1. */
function afterId3(bytes: Buffer): number {
  if (!isId3(bytes)) return 0;
  const size = bytes.subarray(6, ID3_HEADER_BYTES).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
  return ID3_HEADER_BYTES + size;
}
