import { type Static, Type } from 'typebox';
import { formatMxcUri, InvalidParam, parseServerName } from '../../matrix/index.ts';
import { readBody } from '../body.ts';
import { askerOf, authenticatedUser } from './authenticate.ts';
import type { Route } from './route.ts';
import { cleanUploadName } from './upload-name.ts';

const query = Type.Object({ filename: Type.Optional(Type.String()) });

const schema = {
  summary: 'Upload media',
  querystring: query,
  response: { 200: Type.Object({ content_uri: Type.String({ description: 'The mxc:// URI of the media.' }) }) },
};

/** `POST …/upload`. Specification: U-1 to U-13. */
export const upload: Route = (app, { auth, media }) => {
  app.post<{ Querystring: Static<typeof query> }>(
    '/upload',
    { schema, onRequest: authenticatedUser(auth) },
    async (request, reply) => {
      const uri = await media.upload(
        request.config,
        request.domain,
        {
          origin: parseServerName(request.domain.serverName),
          userId: askerOf(request).userId,
          uploadName: cleanUploadName(request.query.filename ?? ''),
          contentType: cleanContentType(request.declaredType),
          declaredBytes: declaredBytes(request.headers['content-length']),
          startBody: () => readBody(request, reply),
        },
        request.signal,
      );
      return { content_uri: formatMxcUri(uri) };
    },
  );
};

/** The type as it was said, parameters included, unless it could do harm in a header (U-9). */
function cleanContentType(type: string | undefined): string {
  const isHarmless =
    type !== undefined && /^[\x20-\x7e]{1,255}$/.test(type) && /^[^/\s;]+\/[^/\s;]+\s*(;.*)?$/.test(type);
  return isHarmless ? type : 'application/octet-stream';
}

function declaredBytes(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const bytes = Number(header); // Node's parser has made sure that there are digits only
  if (!Number.isSafeInteger(bytes)) throw new InvalidParam('"Content-Length" is not a number of bytes');
  return bytes;
}
