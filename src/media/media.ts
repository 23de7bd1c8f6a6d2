import type { Config, DomainConfig } from '../config/index.ts';
import type { MediaRow } from '../database/index.ts';
import type { MxcUri } from '../matrix/index.ts';
import type { MediaParts } from './media-parts.ts';
import { findVisibleMedia, type MediaAsker, type OpenMedia, openMedia } from './open-media.ts';
import { type Upload, upload } from './upload.ts';

/** The rules of media, bound to what they stand on. Each function is described where it is written. */
export interface Media {
  upload(config: Config, domain: DomainConfig, asked: Upload, signal: AbortSignal): Promise<MxcUri>;
  find(uri: MxcUri, asker: MediaAsker): Promise<MediaRow>;
  open(uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<OpenMedia>;
}

export function createMedia(parts: MediaParts): Media {
  return {
    upload: (config, domain, asked, signal) => upload(parts, config, domain, asked, signal),
    find: (uri, asker) => findVisibleMedia(parts, uri, asker),
    open: (uri, asker, signal) => openMedia(parts, uri, asker, signal),
  };
}
