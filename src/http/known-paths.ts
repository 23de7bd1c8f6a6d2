import type { FastifyInstance } from 'fastify';
import { MethodNotAllowed } from '../matrix/index.ts';
import { PREFLIGHT_SECONDS } from './headers.ts';

const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'] as const;

/**
 * Gives every path that has a route an answer for the methods it has none for: OPTIONS is 204 without looking at
 * anything (D-5), the others are 405 (C-4). To be called before the routes are registered.
 * @returns what to call when all of them are
 */
export function answerOtherMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    methodsOf.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  return () => {
    for (const [url, methods] of [...methodsOf]) {
      const allowed = [...methods, 'OPTIONS'].sort();
      app.options(url, async (_request, reply) =>
        reply
          .code(204)
          .headers({
            Allow: allowed.join(', '),
            'Access-Control-Allow-Methods': allowed.join(', '),
            'Access-Control-Max-Age': PREFLIGHT_SECONDS,
          })
          .send(),
      );
      app.route({
        url,
        method: METHODS.filter((method) => !methods.has(method)),
        onRequest: async () => {
          throw new MethodNotAllowed(allowed);
        },
        handler: () => {}, // never reached
      });
    }
  };
}
