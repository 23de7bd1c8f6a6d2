import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BadRequest } from '../matrix/index.ts';
import { refuseCrumbs } from '../waiting/index.ts';
import { refuseStalled } from './stalled-body.ts';

/** A client that is still sending when its answer is out may go on this long and this far; then it is cut off. */
const LINGER_MS = 30_000;
const LINGER_BYTES = 256 * 1024 * 1024;

/**
 * The body as it arrives, to be read once; fails with `Stalled` when the client sends next to nothing for as long
 * as `repo.stalledClientSeconds`. Only now is a client that asked first (`Expect: 100-continue`) told to send.
 * Stopping early does not close the connection, so that the answer still gets through.
 */
export function readBody(request: FastifyRequest, reply: FastifyReply): AsyncIterable<Uint8Array> {
  if (expectsContinue(request.raw)) reply.raw.writeContinue();
  const raw: AsyncIterable<Uint8Array> = request.raw.iterator({ destroyOnReturn: false });
  // A body whose length is known comes as the network brings it, whatever the client does.
  const body = request.headers['transfer-encoding'] === undefined ? raw : refuseCrumbs(raw, crumbsRefusal);
  const { stalledClientSeconds } = request.config.repo;
  if (stalledClientSeconds <= 0) return body;
  return refuseStalled(body, stalledClientSeconds * 1000, () => performance.now());
}

function crumbsRefusal(minPieceBytes: number): BadRequest {
  return new BadRequest(`The body comes in chunks that are too small; send ${minPieceBytes} bytes or more in each`);
}

export function expectsContinue(request: IncomingMessage): boolean {
  return request.headers.expect?.toLowerCase() === '100-continue';
}

/**
 * To be called before an answer goes out. A connection that is closed with unread data in it is reset, and the client
 * may lose the answer that told it why. So Node, which closes after its last answer, closes our direction only.
 */
export function keepOpenUntilRead(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || isPlayed(socket)) return;
  const destroySoon = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    if (request.complete) destroySoon();
    else socket.end();
  };
}

/** To be called when an answer is complete: the rest of the body is read and thrown away, within bounds. */
export function lingerUntilRead(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  if (request.complete || isPlayed(socket) || socket.destroyed || response.destroyed) return;
  let left = LINGER_BYTES;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  request.once('close', () => {
    clearTimeout(timer);
    if (socket.writableEnded) socket.destroy();
  });
  request.once('error', () => clearTimeout(timer));
  request.resume();
}

/** As `inject` of Fastify has it in place of a connection. */
function isPlayed(socket: Socket): boolean {
  return typeof socket.destroySoon !== 'function';
}
