import sharp, { type Metadata, type SharpOptions } from 'sharp';
import type { PictureFormat } from '../picture-format.ts';
import type { OpenedPicture } from './opened-picture.ts';

/** Whose pages are frames. */
const MOVING_FORMATS: readonly PictureFormat[] = ['gif', 'webp'];

const OPTIONS: SharpOptions = {
  // Uploads that broke off and cameras that miscounted leave files that every browser shows, with the missing rows
  // empty. A header that cannot be read is refused all the same.
  failOn: 'none',
  limitInputPixels: false, // checked by the caller, who can tell it from other refusals
  sequentialRead: true,
};

/**
 * Reads the header only, of what libvips decodes.
 * @returns `undefined` when the content is of another format. @throws {Error} for a header that cannot be read
 */
export async function openWithSharp(source: Buffer, format: PictureFormat): Promise<OpenedPicture | undefined> {
  const metadata = await sharp(source, { ...OPTIONS, pages: 1 }).metadata();
  if (formatOf(metadata) !== format) return undefined;
  const frames = MOVING_FORMATS.includes(format) ? (metadata.pages ?? 1) : 1;
  const { width, height } = metadata.autoOrient;
  return {
    header: { width, height, format, isAnimated: frames > 1, frames, hasAlpha: metadata.hasAlpha },
    frames: async (first, count) => sharp(source, { ...OPTIONS, page: first, pages: count }),
  };
}

function formatOf({ format, compression }: Metadata): PictureFormat | undefined {
  switch (format) {
    case 'jpeg':
    case 'png':
    case 'gif':
    case 'webp':
    case 'tiff':
    case 'svg':
      return format;
    case 'heif':
      return compression === 'av1' ? 'avif' : undefined;
    default:
      return undefined;
  }
}
