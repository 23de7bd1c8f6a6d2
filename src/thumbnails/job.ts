import { isBlurhash } from '../matrix/index.ts';
import type { Method, Size } from './choose-size.ts';
import type { PictureFormat } from './picture-format.ts';

/** What a worker is asked, beside the bytes of the picture. */
export type Job =
  | ({ readonly make: 'thumbnail' } & ThumbnailJob)
  | ({ readonly make: 'blurhash' } & BlurhashJob)
  | ({ readonly make: 'placed picture' } & PlacingJob)
  /** The size of the upright picture, which its header tells. */
  | ({ readonly make: 'measurement' } & DecoderLimits);

/** What files a worker may decode for a job. */
export interface DecoderLimits {
  readonly formats: readonly PictureFormat[];
  /** Width times height must be below this; of what moves, times the number of frames. */
  readonly maxPixels: number;
}

export interface ThumbnailJob extends DecoderLimits {
  readonly size: Size;
  readonly method: Method;
  /** Whether the thumbnail may move, if the picture does. */
  readonly animated: boolean;
  /** Which frame a still thumbnail shows: 0 is the first, 1 the last. */
  readonly stillFrame: number;
  /** What a still thumbnail is to be, in place of JPEG or PNG. */
  readonly stillType?: StillType | undefined;
  /** Whether the picture was taken out of other media, so that there is no original that could be sent. */
  readonly isExtracted?: boolean;
}

/** What clients get who ask for it by name. */
export type StillType = 'image/webp' | 'image/avif';

export interface BlurhashJob extends DecoderLimits {
  /** 1 to 9 each: more show more. */
  readonly xComponents: number;
  readonly yComponents: number;
}

/** A picture of exactly the size, with the source in its middle, never larger than that is, and nothing around it. */
export interface PlacingJob extends DecoderLimits {
  readonly size: Size;
}

/** What a worker says, beside the bytes of a `picture`. The first thing that it says is `ready`. */
export type Answer =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'picture'; readonly contentType: string; readonly animated: boolean } & Size)
  | { readonly kind: 'original'; readonly contentType: string }
  | { readonly kind: 'blurhash'; readonly blurhash: string }
  | ({ readonly kind: 'measurement' } & Size)
  | { readonly kind: 'refused'; readonly why: Refusal };

const REFUSALS = ['unsupported', 'corrupt', 'too many pixels'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** The types that a worker can answer with; TH-12 allows no others to those who have not asked for them. */
const CONTENT_TYPES: readonly unknown[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'];

/**
 * Workers handle hostile files: what they say is believed only in this form.
 * @returns `undefined` for anything else
 */
export function parseAnswer(value: unknown): Answer | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  if (value.kind === 'ready') return { kind: 'ready' };
  if (value.kind === 'picture' || value.kind === 'original') {
    if (!('contentType' in value) || !CONTENT_TYPES.includes(value.contentType)) return undefined;
    const contentType = String(value.contentType);
    // Sent as it is to all: nobody was asked about this type.
    if (value.kind === 'original') return contentType === 'image/avif' ? undefined : { kind: 'original', contentType };
    const size = parseSize(value);
    if (size === undefined || !('animated' in value) || typeof value.animated !== 'boolean') return undefined;
    return { kind: 'picture', contentType, ...size, animated: value.animated };
  }
  if (value.kind === 'measurement') {
    const size = parseSize(value);
    return size && { kind: 'measurement', ...size };
  }
  if (value.kind === 'blurhash') {
    if (!('blurhash' in value) || typeof value.blurhash !== 'string' || !isBlurhash(value.blurhash)) return undefined;
    return { kind: 'blurhash', blurhash: value.blurhash };
  }
  if (value.kind !== 'refused' || !('why' in value)) return undefined;
  const why = REFUSALS.find((refusal) => refusal === value.why);
  return why && { kind: 'refused', why };
}

function parseSize(value: object): Size | undefined {
  if (!('width' in value && isSide(value.width) && 'height' in value && isSide(value.height))) return undefined;
  return { width: value.width, height: value.height };
}

function isSide(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}
