import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { sendStandIn } from '../stand-in.ts';
import { nameOfThumbnail } from '../thumbnail-name.ts';
import { readAnimated, readAskedSize } from '../thumbnail-query.ts';
import { mediaParams, readAskedMedia } from './asked-media.ts';
import type { FederationRoute } from './route.ts';

type Asked = { Params: Static<typeof mediaParams> };

const schema = { summary: 'Get a thumbnail of media, for other servers', params: mediaParams };

/**
 * `GET` and `HEAD /_matrix/federation/v1/media/thumbnail/{mediaId}`, in the types of the specification only, whatever
 * `Accept` says: the server asks for its users. Specification: FED-2 to FED-11.
 */
export const thumbnail: FederationRoute = (app, { thumbnails, quarantinePictures, sendMedia }, authenticate) => {
  const send = async (request: FastifyRequest<Asked>, reply: FastifyReply) => {
    const { uri, asker } = readAskedMedia(request, request.params.mediaId);
    const { width, height, method } = readAskedSize(request);
    const asked = { uri, size: { width, height }, method, animated: readAnimated(request) };
    await using opened = await thumbnails.open(request.domain, asked, asker, request.signal);
    const { contentType, sha256, object } = opened;
    return await sendMedia(request, reply, {
      contentType,
      fileName: nameOfThumbnail(contentType),
      asAttachment: false,
      sha256,
      object,
      again: undefined, // each request is signed on its own
      mayRedirect: true,
      isForServer: true,
    });
  };
  const handler = (request: FastifyRequest<Asked>, reply: FastifyReply) =>
    send(request, reply).catch((error) => {
      const { width, height, method } = readAskedSize(request);
      const asked = { size: { width, height }, method };
      const open = () => quarantinePictures.forThumbnail(request.domain, asked, request.signal);
      return sendStandIn(sendMedia, request, reply, error, open, true);
    });
  app.route<Asked>({ method: ['GET', 'HEAD'], url: '/thumbnail/:mediaId', schema, handler, onRequest: authenticate });
};
