import { METHODS } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MethodNotAllowed, UnknownEndpoint } from '../matrix/index.ts';
import { PREFLIGHT_SECONDS } from './headers.ts';
import { hasTrailingSlash } from './request-target.ts';

/** Asks for a tunnel and has no path; Node does not treat it as a request. */
const ANSWERABLE = METHODS.filter((method) => method !== 'CONNECT');

/**
 * Gives every path that has a route an answer for the methods it has none for: OPTIONS is 204 without looking at
 * anything (D-5), the others are 405, those that HTTP has for other purposes included (C-4). A path with an empty end is
 * never one of them, though a parameter would take it. To be called before the routes are registered.
 * @returns what to call when all of them are
 */
export function answerOtherMethods(app: FastifyInstance): () => void {
  for (const method of ANSWERABLE) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    methodsOf.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  app.addHook('onRequest', (request, _reply, done) => {
    done(hasTrailingSlash(request.url) ? new UnknownEndpoint() : undefined);
  });
  return () => {
    const all = [...new Set([...methodsOf.values()].flatMap((methods) => [...methods])), 'OPTIONS'].sort();
    for (const [url, methods] of [...methodsOf]) {
      const allowed = [...methods, 'OPTIONS'].sort();
      app.options(url, async (_request, reply) => answerOptions(reply, allowed));
      app.route({
        url,
        method: ANSWERABLE.filter((method) => method !== 'OPTIONS' && !methods.has(method)),
        onRequest: async () => {
          throw new MethodNotAllowed(allowed);
        },
        handler: () => {}, // never reached
      });
    }
    app.setNotFoundHandler(async (request, reply) => {
      if (isAboutServer(request)) return answerOptions(reply, all);
      throw new UnknownEndpoint();
    });
  };
}

/** `OPTIONS *`. RFC 9110, section 9.3.7. */
function isAboutServer({ method, originalUrl }: FastifyRequest): boolean {
  return method === 'OPTIONS' && originalUrl === '*';
}

function answerOptions(reply: FastifyReply, allowed: readonly string[]): FastifyReply {
  const listed = allowed.join(', ');
  return reply
    .code(204)
    .headers({ Allow: listed, 'Access-Control-Allow-Methods': listed, 'Access-Control-Max-Age': PREFLIGHT_SECONDS })
    .send();
}
