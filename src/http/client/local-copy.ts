import { type Static, Type } from 'typebox';
import { formatMxcUri, parseServerName } from '../../matrix/index.ts';
import { askerOf, authenticatedUser } from '../authenticate.ts';
import { type Access, mediaParams, openAccess, readAskedMedia } from './asked-media.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'Make media of another server media of this one',
  params: mediaParams,
  response: { 200: Type.Object({ content_uri: Type.String({ description: 'The mxc:// URI of the copy.' }) }) },
};

/**
 * `GET …/local_copy/{serverName}/{mediaId}`, as matrix-media-repo means it. No `HEAD`: although it is a `GET`, it leaves
 * something behind.
 */
export const localCopy: Route = (app, { auth, media }) => {
  const access: Access = { ...openAccess(auth), authenticate: authenticatedUser(auth) };
  app.get<{ Params: Static<typeof mediaParams> }>(
    '/local_copy/:serverName/:mediaId',
    { schema, config: { action: 'local_copy' }, onRequest: access.authenticate },
    async (request, reply) => {
      const { config, domain, params, signal } = request;
      const { uri: source, asker } = readAskedMedia(request, params, access);
      const origin = parseServerName(domain.serverName);
      const copy = { source, origin, userId: askerOf(request).userId, asker };
      reply.header('Cache-Control', 'no-store');
      return { content_uri: formatMxcUri(await media.copy(config, domain, copy, signal)) };
    },
  );
};
