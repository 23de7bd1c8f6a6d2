import type { DomainConfig } from '../config/index.ts';
import type { DecoderLimits, ThumbnailJob } from './job.ts';
import type { Extractor, MediaSource } from './programs/extractor.ts';
import { findReadableContainer } from './readable-container.ts';
import { type Source, sourceOf } from './source.ts';
import { decoderLimitsOf, familiesListedIn } from './suitable.ts';

/** What a worker is given, and under which limits. */
export interface PictureSource {
  readonly source: Source;
  readonly limits: DecoderLimits & Pick<ThumbnailJob, 'isExtracted'>;
}

/**
 * The picture that stands for a media: the media itself, or what a program takes out of it once the picture is read. Whether a
 * program may see it, the first bytes decide together with the types that the configuration lists.
 * @param wanted the thumbnail that it is for
 */
export async function openPictureSource(
  extractor: Extractor,
  object: MediaSource,
  wanted: Pick<ThumbnailJob, 'size' | 'method'>,
  domain: Pick<DomainConfig, 'thumbnails'>,
  signal: AbortSignal,
): Promise<PictureSource> {
  const { types, maxPixels, videoFramePosition } = domain.thumbnails;
  const families = familiesListedIn(types);
  const container = await findReadableContainer(extractor, object, families, signal);
  if (container === undefined) return { source: sourceOf(object, signal), limits: decoderLimitsOf(domain) };
  const wish = { size: wanted.size, method: wanted.method, families, maxPixels, videoFramePosition };
  return {
    source: () => extractor.extractPicture(object, container, wish, signal),
    limits: { formats: ['jpeg', 'png'], maxPixels, isExtracted: true },
  };
}
