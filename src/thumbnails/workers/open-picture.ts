import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import type { DecoderLimits, Refusal } from '../job.ts';
import { findPictureFormat, type PictureFormat } from '../picture-format.ts';
import type { SourcePicture } from '../plan.ts';
import { isAnimatedPng } from './is-animated-png.ts';

export interface OpenPicture {
  readonly header: SourcePicture;
  /** Frames of it, not decoded yet; of a still picture there is the first. */
  frames(first: number, count: number): Sharp;
}

/** Whose pages are frames. */
const MOVING_FORMATS: readonly PictureFormat[] = ['gif', 'webp'];

/** Reads the header only. A decoder sees a file when its first bytes are of a format that it may have. */
export async function openPicture(source: Buffer, limits: DecoderLimits): Promise<OpenPicture | Refusal> {
  const format = findPictureFormat(source);
  if (format === undefined || !limits.formats.includes(format)) return 'unsupported';
  const options: SharpOptions = {
    // Uploads that broke off and cameras that miscounted leave files that every browser shows, with the missing rows
    // empty. A header that cannot be read is refused all the same.
    failOn: 'none',
    limitInputPixels: false, // checked below, where it can be told from other refusals
    sequentialRead: true,
  };
  try {
    const metadata = await sharp(source, { ...options, pages: 1 }).metadata();
    if (formatOf(metadata) !== format) return 'unsupported';
    if (metadata.width * metadata.height >= limits.maxPixels) return 'too many pixels';
    const frames = MOVING_FORMATS.includes(format) ? (metadata.pages ?? 1) : 1;
    const header = {
      width: metadata.autoOrient.width,
      height: metadata.autoOrient.height,
      format,
      isAnimated: frames > 1 || (format === 'png' && isAnimatedPng(source)),
      frames,
      hasAlpha: metadata.hasAlpha,
    };
    return { header, frames: (first, count) => sharp(source, { ...options, page: first, pages: count }) };
  } catch {
    return 'unsupported';
  }
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
