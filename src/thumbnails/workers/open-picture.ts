import type { DecoderLimits, Refusal } from '../job.ts';
import { findPictureFormat, type PictureFormat } from '../picture-format.ts';
import { openWithSharp } from './open-with-sharp.ts';
import type { OpenedPicture } from './opened-picture.ts';
import type { PixelSource } from './pixels.ts';
import type { WasmDecoders } from './wasm-decoders.ts';

/** Reads the header only. A decoder sees a file when its first bytes are of a format that it may have. */
export async function openPicture(
  source: Buffer,
  limits: DecoderLimits,
  decoders: WasmDecoders,
): Promise<OpenedPicture | Refusal> {
  const format = findPictureFormat(source);
  if (format === undefined || !limits.formats.includes(format)) return 'unsupported';
  try {
    const picture = await openAs(format, source, limits, decoders);
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
  decoders: WasmDecoders,
): Promise<OpenedPicture | undefined> {
  switch (format) {
    case 'png': {
      const { openPng } = await import('./apng/open-png.ts');
      return await openPng(source, maxPixels);
    }
    case 'bmp': {
      const { openBmp } = await import('./bmp/open-bmp.ts');
      return await fromPixels(format, openBmp(source));
    }
    case 'ico':
      return await openIcon(source);
    case 'heic': {
      const { openHeic } = await import('./heic/open-heic.ts');
      return await fromPixels(format, await openHeic(source, maxPixels, decoders));
    }
    case 'jxl': {
      const { openJxl } = await import('./jxl/open-jxl.ts');
      return await fromPixels(format, openJxl(source, decoders));
    }
    default:
      return await openWithSharp(source, format);
  }
}

async function openIcon(source: Buffer): Promise<OpenedPicture | undefined> {
  const { findLargestIcon } = await import('./bmp/find-largest-icon.ts');
  const icon = findLargestIcon(source);
  if (!Buffer.isBuffer(icon)) return await fromPixels('ico', icon);
  const png = await openWithSharp(icon, 'png');
  return png && { ...png, header: { ...png.header, format: 'ico' } };
}

async function fromPixels(format: PictureFormat, picture: PixelSource | undefined): Promise<OpenedPicture | undefined> {
  if (picture === undefined) return undefined;
  const { toSharp } = await import('./to-sharp.ts');
  const { width, height, hasAlpha } = picture;
  return {
    header: { width, height, format, isAnimated: false, frames: 1, hasAlpha },
    frames: async () => toSharp(await picture.decode()),
  };
}
