import { pipeline, type Readable, type Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { NoPreview } from './no-preview.ts';
import { peek } from './peek.ts';

export const ACCEPTED_CODINGS = 'gzip, deflate, br, zstd';

/** One in the other; nobody has a reason for more. */
const MAX_CODINGS = 2;
/** 8 MiB of what came before is kept at most, as RFC 8878 advises (section 3.1.1.1.2). */
const MAX_ZSTD_WINDOW_LOG = 23;
const PATIENT = { finishFlush: constants.Z_SYNC_FLUSH }; // a body that is cut has a begin all the same

/**
 * A body as it was before it was compressed. How much of it is read is its reader's to limit; no more than that is
 * decompressed. Destroying what it gives destroys the body.
 * @throws {NoPreview} for a coding that is not known
 */
export async function decompress(body: Readable, contentEncoding: string): Promise<Readable> {
  const codings = contentEncoding
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > MAX_CODINGS) throw new NoPreview('The answer is compressed again and again', true);
  let decoded = body;
  for (const coding of codings.toReversed()) {
    const decoder = await openDecoder(coding, decoded);
    decoded = pipeline(decoded, decoder, () => undefined); // failures reach whoever reads
  }
  return decoded;
}

async function openDecoder(coding: string, body: Readable): Promise<Transform> {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(PATIENT);
    case 'deflate':
      return (await beginsWithZlibHeader(body)) ? createInflate(PATIENT) : createInflateRaw(PATIENT);
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG } });
    default:
      throw new NoPreview('The answer is compressed in a way that was not asked for', true);
  }
}

/** Some servers leave it away. RFC 9110, section 8.4.1.2. */
async function beginsWithZlibHeader(body: Readable): Promise<boolean> {
  const first = (await peek(body))?.[0];
  return first === undefined || ((first & 0x0f) === 8 && first >> 4 <= 7);
}

/** Whether a decompressor does not understand what came. */
export function isBadCompression(error: unknown): boolean {
  const codes = /^(Z_|ERR__|ERR_BROTLI|ERR_ZSTD|ZSTD_)/;
  return error instanceof Error && 'code' in error && codes.test(String(error.code));
}
