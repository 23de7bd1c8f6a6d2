import type { FastifyReply, FastifyRequest, RouteGenericInterface } from 'fastify';
import { Quarantined } from '../matrix/index.ts';
import type { OpenThumbnail } from '../thumbnails/index.ts';
import type { SendMedia } from './send-media.ts';

type Handle<Asked extends RouteGenericInterface> = (
  request: FastifyRequest<Asked>,
  reply: FastifyReply,
) => Promise<FastifyReply>;

export interface StandIn {
  /** Gives the picture, or `undefined` where the domain has none. */
  readonly open: (request: FastifyRequest) => Promise<OpenThumbnail | undefined>;
  readonly sendMedia: SendMedia;
  /** As what is sent says it of itself. */
  readonly isForServer: boolean;
}

/**
 * As `send`, but that a request for quarantined media is answered with a picture, where the domain has one. A HEAD learns
 * that there is nothing.
 */
export function orStandIn<Asked extends RouteGenericInterface>(
  send: Handle<Asked>,
  { open, sendMedia, isForServer }: StandIn,
): Handle<Asked> {
  return async (request, reply) => {
    try {
      return await send(request, reply);
    } catch (error) {
      if (!(error instanceof Quarantined) || request.method === 'HEAD') throw error;
      const opened = await open(request);
      if (opened === undefined) throw error;
      await using picture = opened;
      const { contentType, sha256, object } = picture;
      return await sendMedia(request, reply, {
        contentType,
        fileName: 'not_allowed.png',
        asAttachment: false,
        sha256,
        object,
        again: undefined, // what it stands for may come back at any time
        mayRedirect: false,
        isStandIn: true,
        isForServer,
      });
    }
  };
}
