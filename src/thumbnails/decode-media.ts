import type { DomainConfig } from '../config/index.ts';
import type { MediaRow } from '../database/index.ts';
import { type MediaParts, openMediaObject } from '../media/index.ts';
import type { Extractor, MediaSource } from './programs/extractor.ts';
import type { RefusedFiles } from './refused-files.ts';
import type { Thumbnailer, Thumbnailers } from './thumbnailer.ts';

export interface DecodingParts extends MediaParts {
  readonly thumbnailer: Thumbnailers;
  readonly extractor: Extractor;
  readonly refusedFiles: RefusedFiles;
}

/**
 * Has somebody look into a media, unless the same was tried of late and was the file's own fault.
 * @param what is tried, in a word
 * @param decode gets the media, which is to be read when its turn has come, and who takes the domain's turns
 * @throws as `Thumbnailer.render`, and for objects that cannot be read
 */
export async function decodeMedia<T>(
  parts: DecodingParts,
  { serverName, thumbnails: { types, maxPixels } }: DomainConfig,
  media: MediaRow,
  what: string,
  signal: AbortSignal,
  decode: (object: MediaSource, thumbnailer: Thumbnailer) => Promise<T>,
): Promise<T> {
  return await parts.refusedFiles.attempt(
    `${media.sha256_hash} ${serverName} ${what} ${maxPixels} ${types}`,
    async () => {
      await using object = await openMediaObject(parts, media, signal);
      return await decode(object, parts.thumbnailer.forDomain(serverName));
    },
  );
}
