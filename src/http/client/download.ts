import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { readFlag } from '../query.ts';
import { takesWhatComes } from '../send-coming-media.ts';
import { orStandIn } from '../stand-in.ts';
import { nameToSend } from '../upload-name.ts';
import { type Access, accessWithToken, mediaParams, openAccess, readAskedMedia } from './asked-media.ts';
import type { Route, RouteParts } from './route.ts';

const params = Type.Interface([mediaParams], { fileName: Type.Optional(Type.String()) });
type Params = { Params: Static<typeof params> };

const schema = { summary: 'Download media', params };
const PATHS = ['/download/:serverName/:mediaId', '/download/:serverName/:mediaId/:fileName'];

/** `GET` and `HEAD …/download/{serverName}/{mediaId}[/{fileName}]`. Specification: DL-1 to DL-14, CT, CD. */
export const download: { readonly authenticated: Route; readonly open: Route } = {
  authenticated: (app, parts) => register(app, parts, accessWithToken(parts.auth)),
  open: (app, parts) => register(app, parts, openAccess(parts.auth)),
};

function register(app: FastifyInstance, parts: RouteParts, access: Access): void {
  const { media, quarantinePictures, sendMedia, sendComingMedia } = parts;
  const send = async (request: FastifyRequest<Params>, reply: FastifyReply) => {
    const { uri, asker, mayRedirect, isForAll } = readAskedMedia(request, request.params, access);
    const asAttachment = readFlag(request, 'asAttachment') ?? false;
    const find = takesWhatComes(request) ? media.follow : media.open;
    await using opened = await find(uri, asker, request.signal);
    const describe = (contentType: string, uploadName: string) => {
      return { contentType, fileName: nameToSend(request.params.fileName ?? uploadName), asAttachment };
    };
    if (opened.state === 'coming') {
      return await sendComingMedia(request, reply, opened, describe(opened.contentType, opened.uploadName));
    }
    const { record, object, again } = opened;
    return await sendMedia(request, reply, {
      ...describe(record.content_type, record.upload_name),
      sha256: record.sha256_hash,
      object,
      createdTs: record.creation_ts,
      again: isForAll ? again : undefined,
      mayRedirect,
    });
  };
  const handler = orStandIn(send, {
    open: ({ domain, signal }) => quarantinePictures.forDownload(domain, signal),
    sendMedia,
    isForServer: false,
  });
  for (const url of PATHS) {
    app.route<Params>({
      method: ['GET', 'HEAD'],
      url,
      schema,
      config: { action: 'download' },
      handler,
      onRequest: access.authenticate,
    });
  }
}
