import type { Sharp } from 'sharp';
import type { Answer, ThumbnailJob } from '../job.ts';
import { type Plan, planThumbnail } from '../plan.ts';
import type { OpenPicture } from './open-picture.ts';

type Rendered =
  | Extract<Answer, { kind: 'original' }>
  | (Extract<Answer, { kind: 'picture' }> & { readonly bytes: Buffer });

const JPEG_QUALITY = 90;

/** @throws whatever the decoder does about damaged pictures */
export async function render({ picture, header }: OpenPicture, { size, method }: ThumbnailJob): Promise<Rendered> {
  const plan = planThumbnail(header, size, method);
  if (plan.kind === 'original') return plan;
  const { contentType, width, height } = plan;
  return { kind: 'picture', contentType, width, height, bytes: await encode(picture, plan) };
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
