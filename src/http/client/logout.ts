import { Type } from 'typebox';
import { readToken } from '../../auth/index.ts';
import { MissingToken } from '../../matrix/index.ts';
import { credentialsOf } from '../authenticate.ts';
import { queryOf } from '../query.ts';
import type { Route } from './route.ts';

const schema = { summary: 'End sessions', response: { 200: Type.Object({}) } };

/**
 * `POST …/logout` and `…/logout/all`, for proxies that send them here so that a token that has been logged out is
 * forgotten at once. The homeserver decides, for guests and locked users too (ACC-1).
 */
export const logout: Route = (app, { auth }) => {
  for (const [url, everywhere, action] of [
    ['/logout', false, 'logout'],
    ['/logout/all', true, 'logout_all'],
  ] as const) {
    app.post(url, { schema, config: { action } }, async (request) => {
      const token = readToken(request.headers, queryOf(request));
      const { domain } = request;
      if (token === undefined) throw new MissingToken();
      await auth.logout({ ...credentialsOf(request, token), everywhere }, request.config, domain, request.signal);
      return {};
    });
  }
};
