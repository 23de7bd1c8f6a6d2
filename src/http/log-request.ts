import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Log, redactUrl } from '../telemetry/index.ts';

/** As nginx writes it for a client that did not wait. */
const CLIENT_LEFT_STATUS = 499;

/**
 * One line for every request, when its answer is out or nobody waits for it any more.
 * @param log tells whether anybody wants the line, before it is made
 */
export function logRequest(request: FastifyRequest, reply: FastifyReply, log: Log): void {
  if (!log.isLevelEnabled('info')) return;
  const fields = {
    method: request.method,
    resource: request.routeOptions.url ?? 'unknown',
    status: reply.raw.writableFinished ? reply.raw.statusCode : CLIENT_LEFT_STATUS,
    durationMs: Math.round(reply.elapsedTime),
    bytes: request.method === 'HEAD' ? 0 : Number(reply.getHeader('Content-Length') ?? 0),
    host: request.headers.host,
    remoteAddr: request.clientAddress,
    authUserId: request.asker?.userId,
    userAgent: request.headers['user-agent'],
  };
  request.log.info(fields, 'Answered a request');
  if (log.isLevelEnabled('debug')) {
    request.log.debug({ url: redactUrl(request.url) }, 'The request in full');
  }
}
