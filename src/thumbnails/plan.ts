import { fitInside, type Method, type Size } from './choose-size.ts';
import type { StillType, ThumbnailJob } from './job.ts';
import type { PictureFormat } from './picture-format.ts';

/** What the header of a picture tells. */
export interface SourcePicture extends Size {
  /** Width and height are those of the upright picture, after the EXIF orientation. */
  readonly format: PictureFormat;
  readonly isAnimated: boolean;
  /** That can be decoded, 1 or more; of an animated PNG that is too large it is one. */
  readonly frames: number;
  readonly hasAlpha: boolean;
}

/** The types that thumbnails have here: those that the specification allows (TH-12), and what is asked for by name. */
type ThumbnailType = 'image/jpeg' | 'image/png' | StillType;
type OriginalType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';

export type Plan = { readonly kind: 'original'; readonly contentType: OriginalType } | RenderPlan;

export interface RenderPlan extends Size {
  readonly kind: 'render';
  readonly method: Method;
  readonly contentType: ThumbnailType;
  /** The frames to take. */
  readonly first: number;
  readonly count: number;
}

/** The formats that may be sent as they are (TH-12), and their types. */
const ORIGINAL_TYPES: Partial<Record<PictureFormat, OriginalType>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** Whose pictures are photographs as a rule, so that a JPEG of them is the smaller one. */
const LOSSY_FORMATS: readonly PictureFormat[] = ['jpeg', 'webp', 'avif', 'heic', 'jxl'];

/** Of more frames than that none but the first are looked at: a frame builds on those before it. */
export const MAX_FRAMES = 1000;

/**
 * What to make of a picture for a thumbnail of the chosen size. Never larger than the picture (TH-5). A picture inside
 * of the size is sent as it is (TH-6), unless clients may not get its format, it is no file of its own, or it would move
 * and must not (TH-10): of that, one still picture is made as large as it is. What may move becomes a WebP that does (TH-8, TH-9), where all its
 * frames together have few enough pixels.
 */
export function planThumbnail(source: SourcePicture, asked: ThumbnailJob): Plan {
  const { size, method } = asked;
  const isInside = source.width <= size.width && source.height <= size.height;
  const originalType = ORIGINAL_TYPES[source.format];
  if (isInside && originalType !== undefined && !asked.isExtracted && (asked.animated || !source.isAnimated)) {
    return { kind: 'original', contentType: originalType };
  }
  const shape = isInside ? source : method === 'scale' ? fitInside(source, size) : cutToSource(size, source);
  return {
    kind: 'render',
    width: shape.width,
    height: shape.height,
    method: isInside ? 'scale' : method,
    ...chooseFrames(source, asked),
  };
}

function chooseFrames(source: SourcePicture, asked: ThumbnailJob): Pick<RenderPlan, 'contentType' | 'first' | 'count'> {
  const { frames } = source;
  const pixels = source.width * source.height * frames;
  if (asked.animated && frames > 1 && frames <= MAX_FRAMES && pixels < asked.maxPixels) {
    return { contentType: 'image/webp', first: 0, count: frames };
  }
  const usual = source.hasAlpha || !LOSSY_FORMATS.includes(source.format) ? 'image/png' : 'image/jpeg';
  const contentType = asked.stillType ?? usual;
  return { contentType, first: Math.min(Math.floor(asked.stillFrame * frames), frames - 1, MAX_FRAMES - 1), count: 1 };
}

/** The box itself, or the largest of its ratio that the picture fills without being enlarged. */
function cutToSource(box: Size, source: Size): Size {
  return box.width <= source.width && box.height <= source.height ? box : fitInside(box, source);
}
