import type { DecoderLimits, Refusal } from '../job.ts';
import { findPictureFormat, type PictureFormat } from '../picture-format.ts';
import { openWithSharp } from './open-with-sharp.ts';
import type { OpenedPicture } from './opened-picture.ts';

/** Reads the header only. A decoder sees a file when its first bytes are of a format that it may have. */
export async function openPicture(source: Buffer, limits: DecoderLimits): Promise<OpenedPicture | Refusal> {
  const format = findPictureFormat(source);
  if (format === undefined || !limits.formats.includes(format)) return 'unsupported';
  try {
    const picture = await openAs(format, source, limits);
    if (picture === undefined) return 'unsupported';
    return picture.header.width * picture.header.height >= limits.maxPixels ? 'too many pixels' : picture;
  } catch {
    return 'unsupported';
  }
}

/** The code for a format is loaded for its first picture, so that a worker starts as if there were JPEG only. */
async function openAs(
  format: PictureFormat,
  source: Buffer,
  { maxPixels }: DecoderLimits,
): Promise<OpenedPicture | undefined> {
  switch (format) {
    case 'png': {
      const { openPng } = await import('./apng/open-png.ts');
      return await openPng(source, maxPixels);
    }
    default:
      return await openWithSharp(source, format);
  }
}
