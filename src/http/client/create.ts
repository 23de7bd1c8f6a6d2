import { Type } from 'typebox';
import { formatMxcUri, parseServerName } from '../../matrix/index.ts';
import { askerOf, authenticatedUser } from '../authenticate.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'Create a media ID whose content is uploaded later',
  response: {
    200: Type.Object({
      content_uri: Type.String({ description: 'The mxc:// URI of the media.' }),
      unused_expires_at: Type.Integer({ description: 'Until when its upload may begin, in milliseconds since 1970.' }),
    }),
  },
};

/** `POST …/create`. A body means nothing. Specification: CR-1 to CR-4, D-3. */
export const create: Route = (app, { auth, media }) => {
  app.post('/create', { schema, config: { action: 'create' }, onRequest: authenticatedUser(auth) }, async (request) => {
    const { domain } = request;
    const { uri, expiresTs } = await media.reserve(
      domain,
      parseServerName(domain.serverName),
      askerOf(request).userId,
      request.signal,
    );
    return { content_uri: formatMxcUri(uri), unused_expires_at: expiresTs };
  });
};
