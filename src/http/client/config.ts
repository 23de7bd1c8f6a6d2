import { Type } from 'typebox';
import { authenticatedUser } from './authenticate.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'What may be uploaded',
  response: {
    200: Type.Object({
      'm.upload.size': Type.Optional(
        Type.Integer({ description: 'The largest upload, in bytes. Not there: unknown.' }),
      ),
    }),
  },
};

/** `GET …/config`. Specification: CFG-1 to CFG-4. */
export const config: Route = (app, { auth }) => {
  app.get('/config', { schema, onRequest: authenticatedUser(auth) }, async (request, reply) => {
    const { maxBytes, reportedMaxBytes } = request.domain.uploads;
    const size = reportedMaxBytes === 0 ? maxBytes : reportedMaxBytes;
    reply.header('Cache-Control', 'no-store');
    return size > 0 ? { 'm.upload.size': size } : {};
  });
};
