import type { DomainConfig } from '../config/index.ts';
import type { MediaRow } from '../database/index.ts';
import { BadRequest, essenceOf, TooLarge } from '../matrix/index.ts';
import type { DecoderLimits } from './job.ts';
import { coversType, formatsAllowedBy } from './picture-format.ts';
import { FAMILIES, type Family } from './programs/container.ts';

/** Where the configuration sets no limit. */
const MAX_SOURCE_BYTES = 1024 ** 3;

const MOVING_TYPES: readonly string[] = ['image/gif', 'image/webp', 'image/png', 'image/apng'];

/** Whether a thumbnail of it may move, when that is wanted. */
export function mayMove(media: MediaRow, { thumbnails: options }: DomainConfig): boolean {
  if (!options.allowAnimated || !MOVING_TYPES.includes(essenceOf(media.content_type))) return false;
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

/** What media other than pictures a list of types allows to be decoded, whatever a file says of itself. */
export function familiesListedIn(types: readonly string[]): readonly Family[] {
  const names = (start: string) => types.some((type) => type.toLowerCase().startsWith(start));
  const isListed: Readonly<Record<Family, boolean>> = {
    video: names('video/') || coversType(types, 'video/mp4'),
    audio: names('audio/') || coversType(types, 'audio/mpeg'),
    document: coversType(types, 'application/pdf'),
  };
  return FAMILIES.filter((family) => isListed[family]);
}

/** @throws {BadRequest} {@link TooLarge} for media that is not decoded here, by what its record says */
export function refuseUnsuitable(media: MediaRow, domain: DomainConfig): void {
  if (!coversType(domain.thumbnails.types, essenceOf(media.content_type))) {
    throw new BadRequest('This server makes no thumbnails of this type of media');
  }
  refuseLargeSource(media.size_bytes, domain);
}

/** @throws {TooLarge} for more than thumbnails are made of */
export function refuseLargeSource(sizeBytes: number, domain: Pick<DomainConfig, 'thumbnails'>): void {
  const maxBytes = findMaxSourceBytes(domain);
  if (sizeBytes > maxBytes) {
    throw new TooLarge(`The media is larger than the ${maxBytes} bytes that thumbnails are made of`);
  }
}
