import type { FastifyInstance } from 'fastify';
import type { Auth } from '../../auth/index.ts';
import type { Media } from '../../media/index.ts';
import type { drawIdenticon, Previews } from '../../previews/index.ts';
import type {
  Blurhashes,
  EagerThumbnails,
  MediaInfos,
  QuarantinePictures,
  Thumbnails,
} from '../../thumbnails/index.ts';
import type { SendComingMedia } from '../send-coming-media.ts';
import type { SendMedia } from '../send-media.ts';

export interface ClientParts {
  readonly auth: Auth;
  readonly media: Media;
  readonly thumbnails: Thumbnails;
  readonly eagerThumbnails: Pick<EagerThumbnails, 'schedule'>;
  readonly quarantinePictures: QuarantinePictures;
  readonly blurhashes: Blurhashes;
  readonly mediaInfos: MediaInfos;
  readonly previews: Previews;
  readonly drawIdenticon: typeof drawIdenticon;
  /** Of this program. */
  readonly version: string;
}

export interface RouteParts extends ClientParts {
  readonly sendMedia: SendMedia;
  readonly sendComingMedia: SendComingMedia;
}

/** One endpoint, registered below a prefix. */
export type Route = (app: FastifyInstance, parts: RouteParts) => void;
