import { fitInside, type Size } from '../choose-size.ts';
import type { Answer, PlacingJob } from '../job.ts';
import type { OpenedPicture } from './opened-picture.ts';

type Placed = Extract<Answer, { kind: 'picture' }> & { readonly bytes: Buffer };

const TRANSPARENT = { r: 0, g: 0, b: 0, alpha: 0 };

/** In the middle of a transparent picture of exactly the size, made smaller if it has to be. @throws as `render` */
export async function placeInside({ header, frames }: OpenedPicture, { size }: PlacingJob): Promise<Placed> {
  const inner = isInside(header, size) ? header : fitInside(header, size);
  const left = Math.floor(size.width / 2) - Math.floor(inner.width / 2);
  const top = Math.floor(size.height / 2) - Math.floor(inner.height / 2);
  const right = size.width - inner.width - left;
  const bottom = size.height - inner.height - top;
  const picture = await frames(0, 1);
  const bytes = await picture
    .autoOrient()
    .resize({ width: inner.width, height: inner.height, fit: 'fill', kernel: 'lanczos3' })
    .toColourspace('srgb')
    .ensureAlpha()
    .extend({ left, top, right, bottom, background: TRANSPARENT })
    .png()
    .toBuffer();
  return { kind: 'picture', contentType: 'image/png', width: size.width, height: size.height, animated: false, bytes };
}

function isInside(inner: Size, outer: Size): boolean {
  return inner.width <= outer.width && inner.height <= outer.height;
}
