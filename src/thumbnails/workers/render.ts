import type { Sharp } from 'sharp';
import type { Answer, ThumbnailJob } from '../job.ts';
import { planThumbnail, type RenderPlan } from '../plan.ts';
import type { AnimationTimes, OpenedPicture } from './opened-picture.ts';

type Rendered =
  | Extract<Answer, { kind: 'original' }>
  | (Extract<Answer, { kind: 'picture' }> & { readonly bytes: Buffer });

const JPEG_QUALITY = 90;
const WEBP_QUALITY = 80;
/** From 0 to 6. Half of the time of the default, for a few per cent more bytes. */
const WEBP_EFFORT = 2;
const AVIF_QUALITY = 60;
/** From 0 to 9. As quick as WebP; 2 takes four times as long for nothing, 4 sixteen times for a third of the bytes. */
const AVIF_EFFORT = 0;

/** @throws whatever the decoder does about damaged pictures */
export async function render({ header, times, frames }: OpenedPicture, job: ThumbnailJob): Promise<Rendered> {
  const plan = planThumbnail(header, job);
  if (plan.kind === 'original') return plan;
  const { contentType, width, height, first, count } = plan;
  const bytes = await encode(await frames(first, count), plan, count > 1 ? times : undefined);
  return { kind: 'picture', contentType, width, height, animated: count > 1, bytes };
}

/** Upright, in sRGB, without any metadata: the last two are what sharp does unless told otherwise. */
function encode(picture: Sharp, plan: RenderPlan, times: AnimationTimes | undefined): Promise<Buffer> {
  // What moves is upright as it is: its formats know no orientation that decoders heed.
  const upright = plan.count > 1 ? picture : picture.autoOrient();
  const resized = upright.resize({
    width: plan.width,
    height: plan.height,
    fit: plan.method === 'crop' ? 'cover' : 'fill', // the plan has kept the ratio
  });
  switch (plan.contentType) {
    case 'image/jpeg':
      return resized.jpeg({ quality: JPEG_QUALITY }).toBuffer();
    case 'image/webp':
      return resized.webp({ quality: WEBP_QUALITY, effort: WEBP_EFFORT, ...times }).toBuffer();
    case 'image/avif':
      return resized.avif({ quality: AVIF_QUALITY, effort: AVIF_EFFORT }).toBuffer();
    case 'image/png':
      return resized.png().toBuffer();
  }
}
