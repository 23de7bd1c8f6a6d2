import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { orStandIn } from '../stand-in.ts';
import { nameOfThumbnail } from '../thumbnail-name.ts';
import { readAnimated, readAskedPicture } from '../thumbnail-query.ts';
import { namedTypes } from './accepted-types.ts';
import { type Access, accessWithToken, mediaParams, openAccess, readAskedMedia } from './asked-media.ts';
import type { Route, RouteParts } from './route.ts';

type Asked = { Params: Static<typeof mediaParams> };

const schema = { summary: 'Get a thumbnail of media', params: mediaParams };

/** `GET` and `HEAD …/thumbnail/{serverName}/{mediaId}`. Specification: TH-1 to TH-21. */
export const thumbnail: { readonly authenticated: Route; readonly open: Route } = {
  authenticated: (app, parts) => register(app, parts, accessWithToken(parts.auth)),
  open: (app, parts) => register(app, parts, openAccess(parts.auth)),
};

function register(
  app: FastifyInstance,
  { thumbnails, quarantinePictures, sendMedia }: RouteParts,
  access: Access,
): void {
  const send = async (request: FastifyRequest<Asked>, reply: FastifyReply) => {
    const { uri, asker, mayRedirect, isForAll } = readAskedMedia(request, request.params, access);
    const picture = readAskedPicture(request);
    const acceptedTypes = namedTypes(request.headers.accept);
    const asked = { uri, ...picture, animated: readAnimated(request), acceptedTypes };
    await using opened = await thumbnails.open(request.domain, asked, asker, request.signal);
    const { contentType, sha256, object, createdTs, again } = opened;
    return await sendMedia(request, reply, {
      contentType,
      fileName: nameOfThumbnail(contentType),
      asAttachment: false,
      sha256,
      object,
      createdTs,
      again: isForAll ? again : undefined,
      // Also on what is the same for all: a cache asks again for those who accept something else.
      varies: request.domain.thumbnails.preferredTypes.length > 0,
      mayRedirect,
    });
  };
  const handler = orStandIn(send, {
    open: (request) => quarantinePictures.forThumbnail(request.domain, readAskedPicture(request), request.signal),
    sendMedia,
    isForServer: false,
  });
  app.route<Asked>({
    method: ['GET', 'HEAD'],
    url: '/thumbnail/:serverName/:mediaId',
    schema,
    config: { action: 'thumbnail' },
    handler,
    onRequest: access.authenticate,
  });
}
