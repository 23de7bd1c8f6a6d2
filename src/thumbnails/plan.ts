import { fitInside, type Method, type Size } from './choose-size.ts';

/** What the decoders of the workers read. */
export type PictureFormat = 'jpeg' | 'png' | 'gif' | 'webp' | 'avif';

/** What the header of a picture tells. */
export interface SourcePicture extends Size {
  /** Width and height are those of the upright picture, after the EXIF orientation. */
  readonly format: PictureFormat;
  readonly isAnimated: boolean;
  readonly hasAlpha: boolean;
}

/** The types that thumbnails have here; all of them are among those that the specification allows (TH-12). */
type ThumbnailType = 'image/jpeg' | 'image/png';
type OriginalType = 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';

export type Plan =
  | { readonly kind: 'original'; readonly contentType: OriginalType }
  | ({ readonly kind: 'render'; readonly method: Method; readonly contentType: ThumbnailType } & Size);

/** The formats that may be sent as they are (TH-12), and their types. */
const ORIGINAL_TYPES: Partial<Record<PictureFormat, OriginalType>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** Whose pictures are photographs as a rule, so that a JPEG of them is the smaller one. */
const LOSSY_FORMATS: readonly PictureFormat[] = ['jpeg', 'webp', 'avif'];

/**
 * What to make of a picture for a still thumbnail of the chosen size. Never larger than the picture (TH-5). A picture
 * inside of the size is sent as it is (TH-6), unless clients may not get its format or it would move (TH-10): of that,
 * one still picture is made as large as it is.
 */
export function planThumbnail(source: SourcePicture, size: Size, method: Method): Plan {
  const contentType = source.hasAlpha || !LOSSY_FORMATS.includes(source.format) ? 'image/png' : 'image/jpeg';
  if (source.width <= size.width && source.height <= size.height) {
    const originalType = source.isAnimated ? undefined : ORIGINAL_TYPES[source.format];
    if (originalType !== undefined) return { kind: 'original', contentType: originalType };
    return { kind: 'render', width: source.width, height: source.height, method: 'scale', contentType };
  }
  const { width, height } = method === 'scale' ? fitInside(source, size) : cutToSource(size, source);
  return { kind: 'render', width, height, method, contentType };
}

/** The box itself, or the largest of its ratio that the picture fills without being enlarged. */
function cutToSource(box: Size, source: Size): Size {
  return box.width <= source.width && box.height <= source.height ? box : fitInside(box, source);
}
