import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { InvalidParam, isBlurhash, MatrixError, type MxcUri, UnknownEndpoint } from '../../matrix/index.ts';
import type { Blurhashes } from '../../thumbnails/index.ts';
import { readFlag, readText } from '../query.ts';
import { accessWithToken, mediaParams, readAskedMedia } from './asked-media.ts';
import type { Route } from './route.ts';

/** The name of the proposal's field, in answers and in the query of uploads. */
export const BLURHASH = 'xyz.amorgan.blurhash';

/** Of an answer that may carry a blurhash. */
export const blurhashField = {
  [BLURHASH]: Type.Optional(
    Type.String({ description: 'What the picture looks like (MSC2448), where that is enabled.' }),
  ),
};
type BlurhashField = { readonly [BLURHASH]?: string };

/** What the query of an upload wants of its blurhash; a given one goes before a computed one. */
export type BlurhashWish = { readonly given: string } | 'compute' | undefined;

/** `undefined` also where the domain has no blurhashes: then the parameters mean nothing. @throws {InvalidParam} */
export function readBlurhashWish(request: FastifyRequest): BlurhashWish {
  if (!request.domain.featureSupport.MSC2448.enabled) return undefined;
  const given = readText(request, BLURHASH);
  if (given === undefined) return readFlag(request, 'xyz.amorgan.generate_blurhash') ? 'compute' : undefined;
  if (!isBlurhash(given)) throw new InvalidParam(`"${BLURHASH}" is not a blurhash`);
  return { given };
}

/** Once the media is stored: an upload does not fail for its blurhash. */
export async function settleBlurhash(
  blurhashes: Blurhashes,
  request: FastifyRequest,
  uri: MxcUri,
  wish: BlurhashWish,
): Promise<BlurhashField> {
  if (wish === undefined) return {};
  try {
    if (wish === 'compute') {
      const asker = { isAuthenticated: true, waitMs: 0 };
      return { [BLURHASH]: await blurhashes.find(request.domain, uri, asker, request.signal) };
    }
    await blurhashes.save(uri, wish.given);
    return { [BLURHASH]: wish.given };
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    request.log.debug({ err: error }, 'The upload goes without a blurhash');
    return {};
  }
}

const schema = {
  summary: 'Get the blurhash of media (MSC2448)',
  params: mediaParams,
  response: { 200: Type.Object(blurhashField) },
};

/** `GET` and `HEAD …/download/{serverName}/{mediaId}/blurhash`, where the domain has blurhashes. */
export const blurhash: Route = (app, { auth, blurhashes }) => {
  const access = accessWithToken(auth);
  app.route<{ Params: Static<typeof mediaParams> }>({
    method: ['GET', 'HEAD'],
    url: '/download/:serverName/:mediaId/blurhash',
    schema,
    config: { action: 'blurhash' },
    onRequest: access.authenticate,
    async handler(request): Promise<BlurhashField> {
      const { domain, params, signal } = request;
      if (!domain.featureSupport.MSC2448.enabled) throw new UnknownEndpoint();
      const { uri, asker } = readAskedMedia(request, params, access);
      return { [BLURHASH]: await blurhashes.find(domain, uri, asker, signal) };
    },
  });
};
