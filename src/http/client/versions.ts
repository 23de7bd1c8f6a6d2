import { Type } from 'typebox';
import { readToken } from '../../auth/index.ts';
import { queryOf } from '../query.ts';
import type { Route } from './route.ts';

/** The version of the specification from which on clients know authenticated media. */
const AUTHENTICATED_MEDIA = 'v1.11';

const schema = {
  summary: 'What the homeserver and this media repository support',
  response: { 200: Type.Object({ versions: Type.Array(Type.Unknown()) }, { additionalProperties: true }) },
};

/**
 * `GET /_matrix/client/versions`, for proxies that send it here because the homeserver does not announce authenticated
 * media. Everything that the homeserver says is passed on. Specification: VER-1 to VER-3.
 */
export const versions: Route = (app, { auth }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/versions',
    schema,
    config: { action: 'client_versions' },
    handler: async (request, reply) => {
      const { config, domain, clientAddress, signal } = request;
      const token = readToken(request.headers, queryOf(request));
      const supported = await auth.versions({ token, clientAddress }, config, domain, signal);
      const listed = supported.versions;
      reply.header('Cache-Control', 'no-store');
      return listed.includes(AUTHENTICATED_MEDIA)
        ? supported
        : { ...supported, versions: [...listed, AUTHENTICATED_MEDIA] };
    },
  });
};
