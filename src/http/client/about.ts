import { Type } from 'typebox';
import type { Route } from './route.ts';

const schema = {
  summary: 'What runs here',
  response: {
    200: Type.Object({
      Version: Type.String(),
      GitCommit: Type.String({ description: 'Empty: matrix-media-repo has it, this program goes by its version.' }),
      unstable_features: Type.Object({}),
    }),
  },
};

/** `GET /_matrix/media/version`: what runs here, in the words of matrix-media-repo. */
export const about: Route = (app, { version }) => {
  app.route({
    method: ['GET', 'HEAD'],
    url: '/version',
    schema,
    config: { action: 'get_version' },
    handler: async (request) => {
      void request.domain; // for hosts that are served here only
      return { Version: version, GitCommit: '', unstable_features: {} };
    },
  });
};
