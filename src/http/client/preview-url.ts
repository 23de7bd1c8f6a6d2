import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { formatMxcUri, InvalidParam, MissingParam, UnknownEndpoint } from '../../matrix/index.ts';
import type { Preview } from '../../previews/index.ts';
import { askerOf, authenticatedUser } from '../authenticate.ts';
import { readText } from '../query.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'What is behind a link',
  response: {
    200: Type.Object({
      'og:url': Type.Optional(Type.String()),
      'og:site_name': Type.Optional(Type.String()),
      'og:type': Type.Optional(Type.String()),
      'og:title': Type.Optional(Type.String()),
      'og:description': Type.Optional(Type.String()),
      'og:image': Type.Optional(Type.String({ description: 'An mxc:// URI of this server.' })),
      'og:image:type': Type.Optional(Type.String()),
      'og:image:width': Type.Optional(Type.Integer({ description: 'Pixels.' })),
      'og:image:height': Type.Optional(Type.Integer({ description: 'Pixels.' })),
      'matrix:image:size': Type.Optional(Type.Integer({ description: 'Bytes of the picture.' })),
    }),
  },
};

/** `GET` and `HEAD …/preview_url`. Specification: PV-1 to PV-10. */
export const previewUrl: Route = (app, { auth, previews }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/preview_url',
    schema,
    config: { action: 'url_preview' },
    onRequest: authenticatedUser(auth),
    async handler(request, reply) {
      const { config, domain, signal, headers } = request;
      if (!domain.urlPreviews.enabled) throw new UnknownEndpoint();
      const ts = readTs(request);
      const link = readText(request, 'url');
      if (link === undefined) throw new MissingParam('"url" is missing: the link to preview');
      const asked = { link, ts, language: headers['accept-language'], userId: askerOf(request).userId };
      reply.header('Cache-Control', 'no-store');
      return describe(await previews.find(config, domain, asked, signal));
    },
  });
};

/** @throws {InvalidParam} */
function readTs(request: FastifyRequest): number | undefined {
  const text = readText(request, 'ts');
  if (text === undefined) return undefined;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new InvalidParam('"ts" has to be a time in milliseconds since 1970');
  return Number(text);
}

/** What is not known is left out. */
function describe({ url, siteName, type, title, description, picture }: Preview) {
  return {
    ...(url !== '' && { 'og:url': url }),
    ...(siteName !== '' && { 'og:site_name': siteName }),
    ...(type !== '' && { 'og:type': type }),
    ...(title !== '' && { 'og:title': title }),
    ...(description !== '' && { 'og:description': description }),
    ...(picture !== undefined && {
      'og:image': formatMxcUri(picture.uri),
      'og:image:type': picture.contentType,
      'matrix:image:size': picture.sizeBytes,
      ...(picture.width > 0 && { 'og:image:width': picture.width }),
      ...(picture.height > 0 && { 'og:image:height': picture.height }),
    }),
  };
}
