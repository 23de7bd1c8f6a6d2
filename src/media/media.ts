import type { Config, DomainConfig } from '../config/index.ts';
import { findUserUsage, type MediaRow, type UserUsage } from '../database/index.ts';
import type { MediaId, MxcUri, ServerName } from '../matrix/index.ts';
import { type Copy, copyMedia } from './copy-media.ts';
import type { MediaParts } from './media-parts.ts';
import { findVisibleMedia, followMedia, type MediaAsker, type OpenMedia, openMedia } from './open-media.ts';
import type { ComingMedia } from './remote/fetch-for.ts';
import { type Reservation, reserve } from './reservation.ts';
import { fill, type Upload, upload } from './upload.ts';

/** The rules of media, bound to what they stand on. Each function is described where it is written. */
export interface Media {
  upload(config: Config, domain: DomainConfig, asked: Upload, signal: AbortSignal): Promise<MxcUri>;
  reserve(domain: DomainConfig, origin: ServerName, userId: string, signal: AbortSignal): Promise<Reservation>;
  fill(config: Config, domain: DomainConfig, mediaId: MediaId, asked: Upload, signal: AbortSignal): Promise<void>;
  usageOf(userId: string): Promise<UserUsage>;
  find(uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<MediaRow>;
  copy(config: Config, domain: DomainConfig, asked: Copy, signal: AbortSignal): Promise<MxcUri>;
  open(uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<OpenMedia>;
  follow(uri: MxcUri, asker: MediaAsker, signal: AbortSignal): Promise<OpenMedia | ComingMedia>;
}

export function createMedia(parts: MediaParts): Media {
  return {
    upload: (config, domain, asked, signal) => upload(parts, config, domain, asked, signal),
    reserve: (domain, origin, userId, signal) => reserve(parts, domain, origin, userId, signal),
    fill: (config, domain, mediaId, asked, signal) => fill(parts, config, domain, mediaId, asked, signal),
    copy: (config, domain, asked, signal) => copyMedia(parts, config, domain, asked, signal),
    usageOf: (userId) => findUserUsage(parts.database.db, userId),
    find: (uri, asker, signal) => findVisibleMedia(parts, uri, asker, signal),
    open: (uri, asker, signal) => openMedia(parts, uri, asker, signal),
    follow: (uri, asker, signal) => followMedia(parts, uri, asker, signal),
  };
}
