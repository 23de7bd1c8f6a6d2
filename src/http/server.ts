import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Config } from '../config/index.ts';
import { BadRequest, UnknownEndpoint } from '../matrix/index.ts';
import { type Log, redactUrl } from '../telemetry/index.ts';
import { expectsContinue, lingerUntilRead } from './body.ts';
import { client } from './client/client.ts';
import type { ClientParts } from './client/route.ts';
import { bodyOf, sendError } from './errors.ts';
import { COMMON_HEADERS } from './headers.ts';
import { type HealthParts, health } from './health.ts';
import { answerOtherMethods } from './known-paths.ts';
import { decorateRequests } from './request.ts';

export interface ServerParts extends ClientParts, HealthParts {
  readonly config: () => Config;
  readonly log: Log;
}

/** A path segment may be longer than any of ours, so that our own parsers say what is wrong with it. */
const MAX_SEGMENT = 8_192;
const MAX_HEADER_BYTES = 16_384;
const HEADERS_TIMEOUT_MS = 30_000;
/** More than the 60 s for which nginx keeps a connection to us, so that it is never us who close it under a request. */
const KEEP_ALIVE_MS = 75_000;

/** All surfaces on one server that does not listen yet. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const log: FastifyBaseLogger = parts.log;
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    bodyLimit: Number.MAX_SAFE_INTEGER, // each route has its own, and streams
    routerOptions: { maxParamLength: MAX_SEGMENT },
    exposeHeadRoutes: false,
    http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      void reply.headers(COMMON_HEADERS);
      sendError(error, request, reply);
    },
  });
  decorateRequests(app, parts.config);
  takeBodiesAsStreams(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(COMMON_HEADERS).header('X-Request-Id', request.id);
  });
  app.addHook('onSend', async (request, reply) => {
    // A body that was announced, asked about and refused never comes: the connection cannot go on.
    if (expectsContinue(request.raw) && !reply.raw.hasHeader('Connection') && !request.raw.readableDidRead) {
      reply.header('Connection', 'close');
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    lingerUntilRead(request.raw, reply.raw);
    logRequest(request, reply);
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  app.setNotFoundHandler(async () => {
    throw new UnknownEndpoint();
  });
  const answerOthers = answerOtherMethods(app);
  health(app, parts);
  await app.register(async (surface) => client(surface, parts));
  await app.after();
  answerOthers();
  return app;
}

/**
 * Whatever type a body claims to be, its route gets the bytes as they come. Fastify would refuse types that it cannot
 * parse, which are bytes like any others here, so it is not shown the type.
 */
function takeBodiesAsStreams(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.decorateRequest('declaredType', undefined);
  app.addHook('onRequest', async (request) => {
    request.declaredType = request.headers['content-type'];
    delete request.raw.headers['content-type'];
  });
  // Without a listener, Node says "continue" at once; a route that reads its body says it when it does.
  app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response));
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const fields = {
    method: request.method,
    resource: request.routeOptions.url ?? 'unknown',
    status: reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_LEFT_STATUS,
    durationMs: Math.round(reply.elapsedTime),
    bytes: Number(reply.raw.getHeader('Content-Length') ?? 0),
    host: request.headers.host,
    remoteAddr: request.clientAddress,
    authUserId: request.asker?.userId,
    userAgent: request.headers['user-agent'],
  };
  request.log.info(fields, 'Answered a request');
  request.log.debug({ url: redactUrl(request.url) }, 'The request in full');
}

/** For what Node's parser refuses, when there is no request yet. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = BROKEN_STATUS[error.code ?? ''] ?? 400;
  const body = JSON.stringify(bodyOf(new BadRequest('The request cannot be understood')));
  const headers = {
    ...COMMON_HEADERS,
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

const BROKEN_STATUS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
/** As nginx writes it for a client that did not wait. */
const CLIENT_LEFT_STATUS = 499;
