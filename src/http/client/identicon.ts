import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireUser } from '../../auth/index.ts';
import { InvalidParam, UnknownEndpoint } from '../../matrix/index.ts';
import { objectInMemory } from '../../media/index.ts';
import { optionallyAuthenticated } from '../authenticate.ts';
import { readText } from '../query.ts';
import type { Route } from './route.ts';

const params = Type.Object({ '*': Type.String() });

const schema = { summary: 'Get a picture that is made of a text', params };

const MIN_SIDE = 96;
const MAX_SIDE = 512;

/** `GET` and `HEAD …/identicon/{text}`, as matrix-media-repo has it. The text may have slashes in it. */
export const identicon: Route = (app, { auth, drawIdenticon, sendMedia }) => {
  const authenticate = optionallyAuthenticated(auth);
  app.route<{ Params: Static<typeof params> }>({
    method: ['GET', 'HEAD'],
    url: '/identicon/*',
    schema,
    config: { action: 'identicon' },
    async onRequest(request) {
      await authenticate(request);
      if (request.asker !== undefined) requireUser(request.asker);
    },
    async handler(request, reply) {
      if (!request.domain.identicons.enabled) throw new UnknownEndpoint();
      const width = readSide(request, 'width') ?? MIN_SIDE;
      const height = readSide(request, 'height') ?? width;
      const bytes = await drawIdenticon(`/${request.params['*']}`, { width, height });
      return await sendMedia(request, reply, {
        contentType: 'image/png',
        fileName: 'identicon.png',
        asAttachment: false,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        object: objectInMemory(bytes, undefined),
        again: undefined,
        mayRedirect: false,
      });
    },
  });
};

/** Brought within the sizes that there are. @throws {InvalidParam} */
function readSide(request: FastifyRequest, name: string): number | undefined {
  const text = readText(request, name);
  if (text === undefined) return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw new InvalidParam(`"${name}" has to be a number of pixels`);
  return Math.min(MAX_SIDE, Math.max(MIN_SIDE, Number(text)));
}
