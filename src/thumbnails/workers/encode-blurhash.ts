import { encode } from 'blurhash';
import type { BlurhashJob } from '../job.ts';
import type { OpenedPicture } from './opened-picture.ts';

/** A blurhash shows no more than waves across the picture; so many pixels a side show them as well as all. */
const SIDE = 64;

/** Transparent parts count as black, as in the canvas of a browser. @throws as `render` */
export async function encodeBlurhash({ frames }: OpenedPicture, job: BlurhashJob): Promise<string> {
  const { data, info } = await (await frames(0, 1))
    .autoOrient()
    .resize({ width: SIDE, height: SIDE, fit: 'fill' })
    .toColourspace('srgb')
    .flatten()
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return encode(new Uint8ClampedArray(data), info.width, info.height, job.xComponents, job.yComponents);
}
