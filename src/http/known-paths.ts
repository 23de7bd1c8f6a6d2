import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import findMyWay from 'find-my-way';
import { MethodNotAllowed, UnknownEndpoint } from '../matrix/index.ts';
import { PREFLIGHT_SECONDS } from './headers.ts';
import { hasTrailingSlash } from './request-target.ts';

/** The paths that have routes, whatever the methods. */
export interface KnownPaths {
  /** The pattern of the request's path, also where its method has no route; `undefined`: no endpoint has this path. */
  endpointOf(request: FastifyRequest): string | undefined;
  /** The methods that the path of the request has; `undefined`: no endpoint has this path. */
  allowedFor(request: FastifyRequest): readonly string[] | undefined;
  /** The methods that any path has. */
  allowedAnywhere(): readonly string[];
}

interface KnownPath {
  readonly pattern: string;
  readonly methods: Set<string>;
}

/**
 * Notes the paths of the routes that are registered from now on. Fastify knows a path for a method only, and a route for
 * each of HTTP's methods would make a thousand of some forty; starting them would take longer than all the rest.
 * @param maxParamLength that of Fastify's router
 */
export function noteKnownPaths(app: FastifyInstance, maxParamLength: number): KnownPaths {
  const router = findMyWay({ maxParamLength });
  const paths = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method }) => {
    const path = paths.get(url) ?? { pattern: url, methods: new Set(['OPTIONS']) };
    if (!paths.has(url)) router.on('GET', url, () => {}, path); // one method stands for all; nothing is called
    paths.set(url, path);
    for (const one of [method].flat()) path.methods.add(one);
  });
  const find = ({ url }: FastifyRequest): KnownPath | undefined => router.find('GET', url)?.store;
  const inOrder = (methods: Iterable<string>) => [...methods].sort();
  return {
    endpointOf: (request) => request.routeOptions.url ?? find(request)?.pattern,
    allowedFor(request) {
      const path = find(request);
      return path && inOrder(path.methods);
    },
    allowedAnywhere: () => inOrder(new Set([...paths.values()].flatMap(({ methods }) => [...methods]))),
  };
}

/**
 * Gives every known path an answer for the methods that it has no route for: OPTIONS is 204 without looking at
 * anything (D-5), the others are 405, those that HTTP has for other purposes included (C-4). A path with an empty end is
 * never one of them, though a parameter would take it, unless its last parameter is made for slashes. To be called after the
 * hooks that come before such an answer.
 */
export function answerOtherMethods(app: FastifyInstance, knownPaths: KnownPaths): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(findRefusal(request, knownPaths));
  });
  app.setNotFoundHandler(async (request, reply) => {
    const allowed = isAboutServer(request) ? knownPaths.allowedAnywhere() : knownPaths.allowedFor(request);
    if (request.method === 'OPTIONS' && allowed !== undefined) return answerOptions(reply, allowed);
    throw new UnknownEndpoint();
  });
}

/** Before anything of a body is read. */
function findRefusal(request: FastifyRequest, knownPaths: KnownPaths): Error | undefined {
  if (hasTrailingSlash(request.url) && !takesAnyEnd(knownPaths.endpointOf(request))) return new UnknownEndpoint();
  if (!request.is404 || request.method === 'OPTIONS') return undefined;
  const allowed = knownPaths.allowedFor(request);
  return allowed && new MethodNotAllowed(allowed);
}

/** Whether slashes of the path are part of what it asks for. */
function takesAnyEnd(pattern: string | undefined): boolean {
  return pattern?.endsWith('/*') ?? false;
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
