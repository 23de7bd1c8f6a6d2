import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import type { Refusal } from '../job.ts';
import type { PictureFormat, SourcePicture } from '../plan.ts';
import { isAnimatedPng } from './is-animated-png.ts';

export interface OpenPicture {
  readonly header: SourcePicture;
  /** Frames of it, not decoded yet; of a still picture there is the first. */
  frames(first: number, count: number): Sharp;
}

/** Reads the header only. @param maxPixels width times height must be below this */
export async function openPicture(source: Buffer, maxPixels: number): Promise<OpenPicture | Refusal> {
  const options: SharpOptions = {
    // Uploads that broke off and cameras that miscounted leave files that every browser shows, with the missing rows
    // empty. A header that cannot be read is refused all the same.
    failOn: 'none',
    limitInputPixels: false, // checked below, where it can be told from other refusals
    sequentialRead: true,
  };
  try {
    const metadata = await sharp(source, { ...options, pages: 1 }).metadata();
    const format = findFormat(metadata);
    if (format === undefined) return 'unsupported';
    if (metadata.width * metadata.height >= maxPixels) return 'too many pixels';
    const frames = metadata.pages ?? 1;
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

function findFormat({ format, compression }: Metadata): PictureFormat | undefined {
  switch (format) {
    case 'jpeg':
    case 'png':
    case 'gif':
    case 'webp':
      return format;
    case 'heif':
      return compression === 'av1' ? 'avif' : undefined;
    default:
      return undefined;
  }
}
