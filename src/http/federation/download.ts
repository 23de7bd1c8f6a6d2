import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { orStandIn } from '../stand-in.ts';
import { nameToSend } from '../upload-name.ts';
import { mediaParams, readAskedMedia } from './asked-media.ts';
import type { FederationRoute } from './route.ts';

type Asked = { Params: Static<typeof mediaParams> };

const schema = { summary: 'Download media, for other servers', params: mediaParams };

/** `GET` and `HEAD /_matrix/federation/v1/media/download/{mediaId}`. Specification: FED-1, FED-3 to FED-10. */
export const download: FederationRoute = (app, { media, quarantinePictures, sendMedia }, authenticate) => {
  const send = async (request: FastifyRequest<Asked>, reply: FastifyReply) => {
    const { uri, asker } = readAskedMedia(request, request.params.mediaId);
    await using opened = await media.open(uri, asker, request.signal);
    const { record, object } = opened;
    return await sendMedia(request, reply, {
      contentType: record.content_type,
      fileName: nameToSend(record.upload_name),
      asAttachment: false,
      sha256: record.sha256_hash,
      object,
      createdTs: record.creation_ts,
      again: undefined, // each request is signed on its own
      mayRedirect: true,
      isForServer: true,
    });
  };
  const handler = orStandIn(send, {
    open: ({ domain, signal }) => quarantinePictures.forDownload(domain, signal),
    sendMedia,
    isForServer: true,
  });
  app.route<Asked>({
    method: ['GET', 'HEAD'],
    url: '/download/:mediaId',
    schema,
    config: { action: 'download' },
    handler,
    onRequest: authenticate,
  });
};
