import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Cluster } from '../cluster/index.ts';
import type { Config } from '../config/index.ts';
import type { Counts, Log } from '../telemetry/index.ts';
import { admin } from './admin/admin.ts';
import type { AdminParts } from './admin/route.ts';
import { expectsContinue, keepOpenUntilRead, lingerUntilRead } from './body.ts';
import { answerBrokenRequest, trackAnswers } from './broken-request.ts';
import { client } from './client/client.ts';
import type { ClientParts } from './client/route.ts';
import { countBegin } from './count-request.ts';
import { sendError } from './errors.ts';
import { createExchanges } from './exchange.ts';
import { federation } from './federation/federation.ts';
import type { FederationSurfaceParts } from './federation/route.ts';
import { COMMON_HEADERS } from './headers.ts';
import { type HealthParts, health } from './health.ts';
import { createHotAnswers } from './hot-answers.ts';
import { answerOtherMethods, type KnownPaths, noteKnownPaths } from './known-paths.ts';
import { logRequest } from './log-request.ts';
import { createHttpServer } from './node-http.ts';
import { spareChecksOfTexts } from './path-texts.ts';
import { createRateLimits, type RateLimits } from './rate-limit.ts';
import { decorateRequests } from './request.ts';
import { findAmbiguity } from './request-framing.ts';
import { readableTarget } from './request-target.ts';
import { createComingMediaSender } from './send-coming-media.ts';
import { createMediaSender } from './send-media.ts';
import { resetStalledReaders } from './stalled-readers.ts';

export interface ServerParts extends ClientParts, FederationSurfaceParts, AdminParts, HealthParts {
  readonly config: () => Config;
  /** For the limits by client. */
  readonly openBuckets: Cluster['openBuckets'];
  readonly log: Log;
  readonly now: () => number;
  /** Where requests are counted. */
  readonly counts?: Counts | undefined;
}

const MAX_HEADER_BYTES = 16_384;
/** A path segment may have any length that fits, so that our own parsers say what is wrong with it. */
const MAX_SEGMENT = MAX_HEADER_BYTES;
const HEADERS_TIMEOUT_MS = 30_000;
/** So often that is looked at; Node's own half a minute would make a minute of it. */
const HEADERS_CHECK_MS = 2_000;
/**
 * So much of a body may lie about before a connection is read on. In chunks of one byte each it takes hundreds of times as
 * much memory; larger chunks come in one piece of up to 64 KiB whatever stands here.
 */
const HIGH_WATER_BYTES = 16 * 1024;
/** More than the 60 s for which nginx keeps a connection to us, so that it is never us who close it under a request. */
const KEEP_ALIVE_MS = 75_000;

/**
 * On one connection; a client that asks on before it is answered could otherwise make a few bytes of its own hold
 * kilobytes of ours, or a buffer for each download. Browsers and proxies wait for each answer.
 */
const MAX_DUE_ANSWERS = 32;

/** What Fastify says of objects. JSON has no charset to name (RFC 8259, section 11), and matrix-media-repo names none. */
const FASTIFYS_JSON = 'application/json; charset=utf-8';

/** All surfaces on one server that does not listen yet. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const log: FastifyBaseLogger = parts.log;
  const answers = trackAnswers();
  const refuseBytes = answerBrokenRequest(parts.log, answers.areDue, parts.counts);
  const exchangeOf = createExchanges(parts);
  const limits = createRateLimits(parts.openBuckets);
  const hotAnswers = createHotAnswers({ ...parts, exchangeOf, limits });
  const app = Fastify({
    serverFactory: (handler) =>
      listenOnHttp((request, response) => {
        if (!hotAnswers.answer(request, response)) handler(request, response);
      }),
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (request) => exchangeOf(request as IncomingMessage).id, // it is never of HTTP/2
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    bodyLimit: Number.MAX_SAFE_INTEGER, // each route has its own, and streams
    routerOptions: { maxParamLength: MAX_SEGMENT },
    exposeHeadRoutes: false,
    clientErrorHandler: refuseBytes,
    rewriteUrl: ({ url }) => readableTarget(url ?? '/'),
  });
  app.server.on('connect', ({ socket }) => {
    // Node takes its own listener away then: a client that breaks off would end the process.
    socket.on('error', () => undefined);
    refuseBytes(new Error('The client asks for a tunnel'), socket);
  });
  const stopWatching = resetStalledReaders(app.server, () => parts.config().repo.stalledClientSeconds, parts.log);
  app.addHook('onClose', async () => stopWatching());
  decorateRequests(app, exchangeOf);
  const knownPaths = noteKnownPaths(app, MAX_SEGMENT);
  const ambiguous = new WeakSet<Socket>();
  // These hooks wait for nothing, and run for every request: with callbacks they cost a fraction of what promises do.
  app.addHook('onRequest', (request, reply, done) => {
    const { exchange, raw } = request;
    const { socket } = raw;
    // What came in the same packet as a reason to close the connection is no request any more.
    if (socket.destroyed || ambiguous.has(socket)) return void reply.hijack();
    if (answers.add(socket, reply.raw) > MAX_DUE_ANSWERS) {
      request.log.info({ remoteAddr: exchange.clientAddress }, 'The client asks on without waiting, and is cut off');
      socket.resetAndDestroy();
      return void reply.hijack();
    }
    reply.headers(COMMON_HEADERS).header('x-request-id', exchange.id);
    reply.raw.once('close', () => {
      answers.remove(socket, reply.raw);
      if (!reply.raw.writableFinished) exchange.leave();
      const answered = {
        resource: knownPaths.endpointOf(request),
        bytes: Number(reply.getHeader('Content-Length') ?? 0),
      };
      logRequest(exchange, raw, reply.raw, answered, parts);
    });
    const ambiguity = findAmbiguity(raw, request.originalUrl);
    if (ambiguity !== undefined) {
      ambiguous.add(socket);
      reply.header('Connection', 'close');
    }
    done(ambiguity);
  });
  takeBodiesAsStreams(app);
  countRequests(app, limits, knownPaths);
  app.addHook('onSend', (request, reply, _payload, done) => {
    keepOpenUntilRead(request.raw);
    // A body that was announced, asked about and refused never comes: the connection cannot go on.
    if (expectsContinue(request.raw) && !reply.raw.hasHeader('Connection') && !request.raw.readableDidRead) {
      reply.header('Connection', 'close');
    }
    if (reply.getHeader('content-type') === FASTIFYS_JSON) reply.header('content-type', 'application/json'); // D-1
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    lingerUntilRead(request.raw, reply.raw);
    done();
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  answerOtherMethods(app, knownPaths);
  if (parts.counts !== undefined) countBegins(app, parts.counts);
  spareChecksOfTexts(app);
  health(app, parts);
  const sendMedia = createMediaSender({ limits, hotAnswers, counts: parts.counts });
  const sendComingMedia = createComingMediaSender(limits);
  await app.register(async (surface) => client(surface, { ...parts, sendMedia, sendComingMedia }));
  await app.register(async (surface) => federation(surface, { ...parts, sendMedia }));
  await app.register(async (surface) => admin(surface, parts));
  app.addHook('preClose', async () => hotAnswers.stop());
  return app;
}

function listenOnHttp(listener: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createHttpServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: HEADERS_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requestTimeout: 0, // an upload may take as long as it moves on
      highWaterMark: HIGH_WATER_BYTES,
      requireHostHeader: false, // refused by us, in JSON
    },
    listener,
  );
  server.maxHeadersCount = 0; // their bytes are limited; beyond a number, Node would leave some away
  return server;
}

/** After all that keeps a request from its endpoint. */
function countBegins(app: FastifyInstance, counts: Counts): void {
  app.addHook('onRequest', ({ exchange, method, is404, routeOptions }, _reply, done) => {
    if (!is404) countBegin(exchange, routeOptions.config.action, method, counts);
    done();
  });
}

/** Preflights are free (D-5). */
function countRequests(app: FastifyInstance, limits: RateLimits, knownPaths: KnownPaths): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { exchange, method, url } = request;
    const counted =
      method === 'OPTIONS' ? undefined : limits.count(exchange, url, knownPaths.endpointOf(request) ?? '');
    const { headers = [], refusal } = counted ?? {};
    for (let at = 0; at + 1 < headers.length; at += 2) reply.header(headers[at] ?? '', headers[at + 1]);
    done(refusal);
  });
}

/**
 * Whatever type a body claims to be, its route gets the bytes as they come. Fastify would refuse types that it cannot
 * parse, which are bytes like any others here, so it is not shown the type.
 */
function takeBodiesAsStreams(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.decorateRequest('declaredType', undefined);
  app.addHook('onRequest', (request, _reply, done) => {
    request.declaredType = request.headers['content-type'];
    if (request.declaredType !== undefined) delete request.raw.headers['content-type'];
    done();
  });
  // Without a listener, Node says "continue" at once; a route that reads its body says it when it does.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response));
  // Without this one, Node refuses expectations that it does not know; they may be ignored (RFC 9110, section 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
}
