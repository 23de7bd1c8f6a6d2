import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { sendMedia } from '../send-media.ts';
import { askedMedia, mediaParams } from './asked-media.ts';
import { authenticated, optionallyAuthenticated } from './authenticate.ts';
import type { ClientParts, Route } from './route.ts';
import { cleanUploadName } from './upload-name.ts';

const params = Type.Interface([mediaParams], { fileName: Type.Optional(Type.String()) });
type Params = { Params: Static<typeof params> };

const schema = { summary: 'Download media', params };
const PATHS = ['/download/:serverName/:mediaId', '/download/:serverName/:mediaId/:fileName'];

/** `GET` and `HEAD …/download/{serverName}/{mediaId}[/{fileName}]`. Specification: DL-1 to DL-14, CT, CD. */
export const download: { readonly authenticated: Route; readonly open: Route } = {
  authenticated: (app, parts) => register(app, parts, authenticated(parts.auth)),
  open: (app, parts) => register(app, parts, optionallyAuthenticated(parts.auth)),
};

function register(
  app: FastifyInstance,
  { media }: ClientParts,
  authenticate: (request: FastifyRequest) => Promise<void>,
): void {
  const handler = async (request: FastifyRequest<Params>, reply: FastifyReply) => {
    const uri = askedMedia(request.params);
    const asker = { isAuthenticated: request.asker !== undefined };
    await using opened = await media.open(uri, asker, request.signal);
    const { record, object } = opened;
    const fileName = cleanUploadName(request.params.fileName ?? record.upload_name);
    return await sendMedia(request, reply, {
      contentType: record.content_type,
      fileName: isName(fileName) ? fileName : undefined,
      sha256: record.sha256_hash,
      object,
    });
  };
  for (const url of PATHS) {
    app.route<Params>({ method: ['GET', 'HEAD'], url, schema, handler, onRequest: authenticate });
  }
}

/** MMR writes a dot for uploads without a name. */
function isName(text: string): boolean {
  return text !== '' && text !== '.';
}
