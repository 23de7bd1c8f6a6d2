import { Type } from 'typebox';
import { askerOf, authenticatedUser } from '../authenticate.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'What the user keeps here (MSC4034)',
  response: {
    200: Type.Object({
      'org.matrix.msc4034.storage.used': Type.Integer({ description: 'Bytes.' }),
      'org.matrix.msc4034.storage.files': Type.Integer({ description: 'Files.' }),
    }),
  },
};

/** `GET …/usage`. */
export const usage: Route = (app, { auth, media }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/usage',
    schema,
    config: { action: 'usage' },
    onRequest: authenticatedUser(auth),
    handler: async (request, reply) => {
      const { bytes, files } = await media.usageOf(askerOf(request).userId);
      reply.header('Cache-Control', 'no-store');
      return { 'org.matrix.msc4034.storage.used': bytes, 'org.matrix.msc4034.storage.files': files };
    },
  });
};
