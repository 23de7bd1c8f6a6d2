import type { Config, DomainConfig } from '../config/index.ts';
import { parseServerName } from '../matrix/index.ts';
import type { Media, ReceivedBytes } from '../media/index.ts';
import { findPictureFormat, type PictureFormat, type Size, type Thumbnailers } from '../thumbnails/index.ts';
import { asNoPreview, type Fetched } from './fetch/fetcher.ts';
import { NoPreview } from './fetch/no-preview.ts';
import type { PreviewPicture } from './preview.ts';

export interface PictureParts {
  readonly media: Media;
  readonly thumbnailer: Thumbnailers;
}

/** For whom a preview is made: its picture is their upload. */
export interface PreviewFor {
  readonly config: Config;
  readonly domain: DomainConfig;
  readonly userId: string;
}

/** What every client shows. */
const TYPES: Readonly<Partial<Record<PictureFormat, string>>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
};
const FORMATS: readonly PictureFormat[] = ['jpeg', 'png', 'gif', 'webp', 'avif'];
/** So much tells what a picture is. */
const HEAD_BYTES = 1_024;
const PIECE_BYTES = 64 * 1024;

/**
 * Keeps a picture as what its bytes are, whatever its sender says of it, once a decoder has found its size.
 * @throws {NoPreview} for what is no picture, and what an upload throws: then nothing is kept
 */
export async function storePicture(
  { media, thumbnailer }: PictureParts,
  { config, domain, userId }: PreviewFor,
  { body, fileName, announcedBytes }: Fetched,
  signal: AbortSignal,
): Promise<PreviewPicture> {
  try {
    const { head, rest } = await readHead(body);
    const format = findPictureFormat(head);
    const contentType = format && TYPES[format];
    if (contentType === undefined) throw new NoPreview('The picture is none that every client shows', true);
    let sizeBytes = 0;
    let size: Size | undefined;
    const { maxPixels } = domain.thumbnails;
    const measure = (read: () => AsyncIterable<Uint8Array>) =>
      thumbnailer.forDomain(domain.serverName).measure({ sizeBytes, read }, { formats: FORMATS, maxPixels }, signal);
    const inspect = async (received: ReceivedBytes) => {
      sizeBytes = received.sizeBytes;
      const read = readerOf(received);
      if (read !== undefined) size = await measure(read);
    };
    const uploaded = {
      origin: parseServerName(domain.serverName),
      userId,
      uploadName: fileName,
      contentType,
      declaredBytes: announcedBytes,
      startBody: () => rest,
      inspect,
    };
    const uri = await media.upload(config, domain, uploaded, signal);
    if (size === undefined) {
      await using opened = await media.open(uri, { isAuthenticated: true, waitMs: 0 }, signal);
      size = await measure(() => opened.object.read({ start: 0, end: sizeBytes - 1 }, signal));
    }
    return { uri, contentType, sizeBytes, ...size };
  } catch (error) {
    throw asNoPreview(error);
  } finally {
    body.destroy();
  }
}

async function readHead(body: AsyncIterable<Buffer>) {
  const iterator = body[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    chunks.push(value);
    bytes += value.length;
  }
  const head = Buffer.concat(chunks);
  async function* rest() {
    yield Buffer.from(head); // the receiver may take its memory away
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head, rest: rest() };
}

/** `undefined`: what came cannot be read before it is an object. */
function readerOf({ temporary }: ReceivedBytes): (() => AsyncIterable<Uint8Array>) | undefined {
  if (temporary.read === undefined) return undefined;
  return async function* () {
    const piece = Buffer.alloc(PIECE_BYTES);
    let position = 0;
    for (;;) {
      const bytes = (await temporary.read?.(piece, position)) ?? 0;
      if (bytes === 0) return;
      position += bytes;
      yield piece.subarray(0, bytes);
    }
  };
}
