import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Counts, type Log, redactUrl } from '../telemetry/index.ts';
import { countEnd } from './count-request.ts';
import type { Exchange } from './exchange.ts';

/** As nginx writes it for a client that did not wait. */
const CLIENT_LEFT_STATUS = 499;

/** What the log tells of an answer beside what its exchange knows. */
export interface Answered {
  /** The endpoint's pattern; `undefined`: there is none. */
  readonly resource: string | undefined;
  /** Of the body that was to be sent. */
  readonly bytes: number;
}

export interface RequestLogParts {
  /** Tells whether anybody wants the line, before it is made. */
  readonly log: Log;
  readonly now: () => number;
  readonly counts?: Counts | undefined;
}

/** Whether anybody wants to know that a request has ended. */
export function isRequestTold({ log, counts }: RequestLogParts): boolean {
  return counts !== undefined || log.isLevelEnabled('info');
}

/**
 * One line for every request, when its answer is out or nobody waits for it any more. It is counted in the same place, so
 * that the log and the metrics tell the same.
 */
export function logRequest(
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
  { resource, bytes }: Answered,
  { log, now, counts }: RequestLogParts,
): void {
  const status = response.writableFinished ? response.statusCode : CLIENT_LEFT_STATUS;
  const durationMs = Math.max(0, now() - exchange.startedMs);
  if (counts !== undefined) countEnd(exchange, request.method ?? '', status, durationMs / 1000, counts);
  if (!log.isLevelEnabled('info')) return;
  const requestId = exchange.id;
  const fields = {
    requestId,
    method: request.method,
    resource: resource ?? 'unknown',
    status,
    durationMs,
    bytes: request.method === 'HEAD' ? 0 : bytes,
    host: request.headers.host,
    remoteAddr: exchange.clientAddress,
    authUserId: exchange.asker?.userId,
    authServer: exchange.askingServer,
    userAgent: request.headers['user-agent'],
  };
  log.info(fields, 'Answered a request');
  if (log.isLevelEnabled('debug')) {
    log.debug({ requestId, url: redactUrl(request.url ?? '') }, 'The request in full');
  }
}
