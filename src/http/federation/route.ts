import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { VerifyRequest } from '../../federation/index.ts';
import type { Media } from '../../media/index.ts';
import type { QuarantinePictures, Thumbnails } from '../../thumbnails/index.ts';
import type { SendMedia } from '../send-media.ts';

export interface FederationSurfaceParts {
  readonly verifyRequest: VerifyRequest;
  readonly media: Media;
  readonly thumbnails: Thumbnails;
  readonly quarantinePictures: QuarantinePictures;
}

export interface FederationRouteParts extends FederationSurfaceParts {
  readonly sendMedia: SendMedia;
}

/** One endpoint, registered below a prefix, behind `authenticate`. */
export type FederationRoute = (
  app: FastifyInstance,
  parts: FederationRouteParts,
  authenticate: (request: FastifyRequest) => Promise<void>,
) => void;
