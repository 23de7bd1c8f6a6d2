import { Type } from 'typebox';
import { quotaOf } from '../../media/index.ts';
import { askerOf, authenticatedUser } from '../authenticate.ts';
import type { Route } from './route.ts';

const schema = {
  summary: 'What may be uploaded',
  response: {
    200: Type.Object({
      'm.upload.size': Type.Optional(
        Type.Integer({ description: 'The largest upload, in bytes. Not there: unknown.' }),
      ),
      'org.matrix.msc4034.storage.size': Type.Optional(
        Type.Integer({ description: 'What the user may keep in all, in bytes. Not there: no limit.' }),
      ),
      'org.matrix.msc4034.storage.max_files': Type.Optional(
        Type.Integer({ description: 'How many files the user may keep. Not there: no limit.' }),
      ),
    }),
  },
};

/** `GET …/config`. Specification: CFG-1 to CFG-4; MSC4034. */
export const config: Route = (app, { auth }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/config',
    schema,
    config: { action: 'config' },
    onRequest: authenticatedUser(auth),
    handler: async (request, reply) => {
      const { uploads } = request.domain;
      const size = uploads.reportedMaxBytes === 0 ? uploads.maxBytes : uploads.reportedMaxBytes;
      const { maxBytes, maxFiles } = quotaOf(uploads, askerOf(request).userId);
      reply.header('Cache-Control', 'no-store');
      return {
        ...(size > 0 && { 'm.upload.size': size }),
        ...(Number.isFinite(maxBytes) && { 'org.matrix.msc4034.storage.size': maxBytes }),
        ...(Number.isFinite(maxFiles) && { 'org.matrix.msc4034.storage.max_files': maxFiles }),
      };
    },
  });
};
