import type { DomainConfig } from '../config/index.ts';
import type { MediaRow } from '../database/index.ts';
import { BadRequest, TooLarge } from '../matrix/index.ts';
import type { DecoderLimits } from './job.ts';
import { formatsAllowedBy } from './picture-format.ts';

/** Where the configuration sets no limit. */
const MAX_SOURCE_BYTES = 1024 ** 3;

function typeOf({ content_type }: MediaRow): string {
  return content_type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

const MOVING_TYPES: readonly string[] = ['image/gif', 'image/webp', 'image/png', 'image/apng'];

/** Whether a thumbnail of it may move, when that is wanted. */
export function mayMove(media: MediaRow, { thumbnails: options }: DomainConfig): boolean {
  if (!options.allowAnimated || !MOVING_TYPES.includes(typeOf(media))) return false;
  return options.maxAnimateSizeBytes <= 0 || media.size_bytes <= options.maxAnimateSizeBytes;
}

/** The largest file of which thumbnails are made, in bytes. */
export function findMaxSourceBytes({ thumbnails: { maxSourceBytes } }: Pick<DomainConfig, 'thumbnails'>): number {
  return maxSourceBytes > 0 ? maxSourceBytes : MAX_SOURCE_BYTES;
}

/** What a decoder may be given in this domain. */
export function decoderLimitsOf({ thumbnails: { types, maxPixels } }: Pick<DomainConfig, 'thumbnails'>): DecoderLimits {
  return { formats: formatsAllowedBy(types), maxPixels };
}

/** @throws {BadRequest} {@link TooLarge} for media that is not decoded here, by what its record says */
export function refuseUnsuitable(media: MediaRow, { thumbnails: options }: DomainConfig): void {
  if (!options.types.includes(typeOf(media)))
    throw new BadRequest('This server makes no thumbnails of this type of media');
  const maxBytes = findMaxSourceBytes({ thumbnails: options });
  if (media.size_bytes > maxBytes) {
    throw new TooLarge(`The media is larger than the ${maxBytes} bytes that thumbnails are made of`);
  }
}
