import type { FastifyReply, FastifyRequest } from 'fastify';
import { Quarantined } from '../matrix/index.ts';
import type { OpenThumbnail } from '../thumbnails/index.ts';
import type { SendMedia } from './send-media.ts';

/**
 * Answers a request for quarantined media with a picture, where the domain has one; a HEAD learns that there is nothing.
 * @param open gives the picture, or `undefined`
 * @throws the error, when there is no picture to send or it is about something else
 */
export async function sendStandIn(
  sendMedia: SendMedia,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  open: () => Promise<OpenThumbnail | undefined>,
  isForServer = false,
): Promise<FastifyReply> {
  if (!(error instanceof Quarantined) || request.method === 'HEAD') throw error;
  const opened = await open();
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
