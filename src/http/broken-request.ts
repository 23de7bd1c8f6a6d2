import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BadRequest } from '../matrix/index.ts';
import type { Counts, Log } from '../telemetry/index.ts';
import { bodyOf } from './errors.ts';
import { COMMON_HEADERS } from './headers.ts';
import { STATUS_CODES } from './node-http.ts';

/** So long a client may go on sending what is not read any more, so that its answer is not lost in a reset. */
const LINGER_MS = 5_000;

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

/** Remembers the answers that are due on a connection; one that asks before it is answered has several. */
export function trackAnswers() {
  const answers = new WeakMap<Socket, Set<ServerResponse>>();
  return {
    /** @returns how many there are now, those that are written and not taken by the client included */
    add(socket: Socket, answer: ServerResponse): number {
      const known = answers.get(socket) ?? new Set();
      answers.set(socket, known);
      return known.add(answer).size;
    },
    remove: (socket: Socket, answer: ServerResponse) => void answers.get(socket)?.delete(answer),
    /** Whether one of them is not at its end, other than that of a request of which the rest is still awaited. */
    areDue: (socket: Socket): boolean =>
      [...(answers.get(socket) ?? [])].some(
        (answer) => !answer.writableFinished && (answer.headersSent || answer.req.complete),
      ),
  };
}

/**
 * Answers what Node's parser refuses, when there is no request to answer.
 * @param hasDue answers on this connection: another one would look like the next of them, or like a part of it
 */
export function answerBrokenRequest(
  log: Log,
  hasDue: (socket: Socket) => boolean,
  counts: Pick<Counts, 'otherAnswered'> | undefined,
): (error: Error & { readonly code?: string }, socket: Socket) => void {
  const refused = new WeakSet<Socket>();
  return (error, socket) => {
    if (refused.has(socket)) return; // the parser goes on reading, and complaining
    if (error.code === 'ECONNRESET' || !socket.writable || hasDue(socket)) {
      socket.destroy();
      return;
    }
    refused.add(socket);
    const requestId = randomUUID();
    const status = STATUS_OF[error.code ?? ''] ?? 400;
    const fields = { requestId, status, code: error.code, remoteAddr: socket.remoteAddress };
    log.info(fields, 'Refused bytes that are no request');
    counts?.otherAnswered(status);
    socket.end(formatAnswer(status, requestId));
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    timer.unref();
    socket.once('end', () => socket.destroy());
    socket.once('close', () => clearTimeout(timer));
    socket.resume();
  };
}

function formatAnswer(status: number, requestId: string): string {
  const body = JSON.stringify(bodyOf(new BadRequest('The request cannot be understood')));
  const headers = {
    ...COMMON_HEADERS,
    'X-Request-Id': requestId,
    'Cache-Control': 'no-store',
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}
