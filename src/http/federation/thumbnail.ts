import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { orStandIn } from '../stand-in.ts';
import { nameOfThumbnail } from '../thumbnail-name.ts';
import { readAnimated, readAskedPicture } from '../thumbnail-query.ts';
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
    const picture = readAskedPicture(request);
    const asked = { uri, ...picture, animated: readAnimated(request) };
    await using opened = await thumbnails.open(request.domain, asked, asker, request.signal);
    const { contentType, sha256, object, createdTs } = opened;
    return await sendMedia(request, reply, {
      contentType,
      fileName: nameOfThumbnail(contentType),
      asAttachment: false,
      sha256,
      object,
      createdTs,
      again: undefined, // each request is signed on its own
      mayRedirect: true,
      isForServer: true,
    });
  };
  const handler = orStandIn(send, {
    open: (request) => quarantinePictures.forThumbnail(request.domain, readAskedPicture(request), request.signal),
    sendMedia,
    isForServer: true,
  });
  app.route<Asked>({
    method: ['GET', 'HEAD'],
    url: '/thumbnail/:mediaId',
    schema,
    config: { action: 'thumbnail' },
    handler,
    onRequest: authenticate,
  });
};
