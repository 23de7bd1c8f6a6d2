import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import type { Answer, Job, Refusal } from '../job.ts';
import { type PictureFormat, type Plan, planThumbnail, type SourcePicture } from '../plan.ts';
import { isAnimatedPng } from './is-animated-png.ts';

type Rendered = Exclude<Answer, { kind: 'ready' }> & { readonly bytes?: Buffer };

const JPEG_QUALITY = 90;

/** Never throws: whatever is wrong with a file is an answer. */
export async function render(source: Buffer, { size, method, maxPixels }: Job): Promise<Rendered> {
  const opened = await openPicture(source, maxPixels);
  if (typeof opened === 'string') return { kind: 'refused', why: opened };
  const plan = planThumbnail(opened.header, size, method);
  if (plan.kind === 'original') return plan;
  try {
    const { contentType, width, height } = plan;
    return { kind: 'picture', contentType, width, height, bytes: await encode(opened.picture, plan) };
  } catch {
    return { kind: 'refused', why: 'corrupt' };
  }
}

/** Reads the header only; no pixel is decoded here. */
async function openPicture(
  source: Buffer,
  maxPixels: number,
): Promise<{ readonly picture: Sharp; readonly header: SourcePicture } | Refusal> {
  const options: SharpOptions = {
    // Uploads that broke off and cameras that miscounted leave files that every browser shows, with the missing rows
    // empty. A header that cannot be read is refused all the same.
    failOn: 'none',
    limitInputPixels: false, // checked below, where it can be told from other refusals
    sequentialRead: true,
    pages: 1,
  };
  try {
    const metadata = await sharp(source, options).metadata();
    const format = findFormat(metadata);
    if (format === undefined) return 'unsupported';
    if (metadata.width * metadata.height >= maxPixels) return 'too many pixels';
    const header = {
      width: metadata.autoOrient.width,
      height: metadata.autoOrient.height,
      format,
      isAnimated: (metadata.pages ?? 1) > 1 || (format === 'png' && isAnimatedPng(source)),
      hasAlpha: metadata.hasAlpha,
    };
    return { picture: sharp(source, options), header };
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

/** Upright, in sRGB, without any metadata: the last two are what sharp does unless told otherwise. */
function encode(picture: Sharp, plan: Extract<Plan, { kind: 'render' }>): Promise<Buffer> {
  const resized = picture.autoOrient().resize({
    width: plan.width,
    height: plan.height,
    fit: plan.method === 'crop' ? 'cover' : 'fill', // the plan has kept the ratio
  });
  const encoded = plan.contentType === 'image/jpeg' ? resized.jpeg({ quality: JPEG_QUALITY }) : resized.png();
  return encoded.toBuffer();
}
