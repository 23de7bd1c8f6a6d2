import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Log, redactUrl } from '../telemetry/index.ts';
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

/**
 * One line for every request, when its answer is out or nobody waits for it any more.
 * @param parts whose log tells whether anybody wants the line, before it is made
 */
export function logRequest(
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
  { resource, bytes }: Answered,
  parts: { readonly log: Log; readonly now: () => number },
): void {
  const { log, now } = parts;
  if (!log.isLevelEnabled('info')) return;
  const requestId = exchange.id;
  const fields = {
    requestId,
    method: request.method,
    resource: resource ?? 'unknown',
    status: response.writableFinished ? response.statusCode : CLIENT_LEFT_STATUS,
    durationMs: Math.max(0, now() - exchange.startedMs),
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
