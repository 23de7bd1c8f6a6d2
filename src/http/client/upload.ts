import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { formatMxcUri, InvalidParam, NotFound, parseMediaId, parseServerName } from '../../matrix/index.ts';
import type { Upload } from '../../media/index.ts';
import { askerOf, authenticatedUser } from '../authenticate.ts';
import { readBody } from '../body.ts';
import { cleanContentType } from '../content-type.ts';
import { readText } from '../query.ts';
import { cleanUploadName } from '../upload-name.ts';
import { mediaParams } from './asked-media.ts';
import { blurhashField, readBlurhashWish, settleBlurhash } from './blurhash.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'Upload media',
  response: {
    200: Type.Object({
      content_uri: Type.String({ description: 'The mxc:// URI of the media.' }),
      ...blurhashField,
    }),
  },
};

/** `POST …/upload`. Specification: U-1 to U-13. */
export const upload: Route = (app, { auth, media, blurhashes, eagerThumbnails }) => {
  app.post(
    '/upload',
    { schema, config: { action: 'upload' }, onRequest: authenticatedUser(auth) },
    async (request, reply) => {
      const wish = readBlurhashWish(request);
      const uri = await media.upload(request.config, request.domain, readUpload(request, reply), request.signal);
      afterAnswer(reply, () => eagerThumbnails.schedule(request.domain, uri));
      return { content_uri: formatMxcUri(uri), ...(await settleBlurhash(blurhashes, request, uri, wish)) };
    },
  );
};

const fillSchema = {
  summary: 'Upload the content of a media ID that was created before',
  params: mediaParams,
  response: { 200: Type.Object(blurhashField) },
};

/** `PUT …/upload/{serverName}/{mediaId}`. Specification: CR-5 to CR-11. */
export const fillUpload: Route = (app, { auth, media, blurhashes, eagerThumbnails }) => {
  app.put<{ Params: Static<typeof mediaParams> }>(
    '/upload/:serverName/:mediaId',
    { schema: fillSchema, config: { action: 'upload_async' }, onRequest: authenticatedUser(auth) },
    async (request, reply) => {
      const { config, domain, params, signal } = request;
      const mediaId = parseMediaId(params.mediaId);
      const origin = parseServerName(params.serverName);
      if (origin !== domain.serverName) throw new NotFound('This server creates no media IDs for other servers');
      const wish = readBlurhashWish(request);
      await media.fill(config, domain, mediaId, readUpload(request, reply), signal);
      const uri = { origin, mediaId };
      afterAnswer(reply, () => eagerThumbnails.schedule(domain, uri));
      return await settleBlurhash(blurhashes, request, uri, wish);
    },
  );
};

/** Also when the client has left: the upload is there all the same. */
function afterAnswer(reply: FastifyReply, work: () => void): void {
  reply.raw.once('close', work);
}

function readUpload(request: FastifyRequest, reply: FastifyReply): Upload {
  return {
    origin: parseServerName(request.domain.serverName),
    userId: askerOf(request).userId,
    uploadName: cleanUploadName(readText(request, 'filename') ?? ''),
    contentType: cleanContentType(request.declaredType),
    declaredBytes: declaredBytes(request.headers['content-length']),
    startBody: () => readBody(request, reply),
  };
}

function declaredBytes(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const bytes = Number(header); // Node's parser has made sure that there are digits only
  if (!Number.isSafeInteger(bytes)) throw new InvalidParam('"Content-Length" is not a number of bytes');
  return bytes;
}
