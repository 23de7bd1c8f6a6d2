import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Stalled } from '../matrix/index.ts';

/** A client that is still sending when its answer is out may go on this long and this far; then it is cut off. */
const LINGER_MS = 30_000;
const LINGER_BYTES = 256 * 1024 * 1024;
/** An upload has to bring more than that in each period in which it is waited for. */
const MIN_BYTES_IN_PERIOD = 16 * 1024;

/**
 * The body as it arrives, to be read once; fails with {@link Stalled} when the client sends next to nothing for as long
 * as `repo.stalledClientSeconds`. Only now is a client that asked first (`Expect: 100-continue`) told to send.
 * Stopping early does not close the connection, so that the answer still gets through.
 */
export function readBody(request: FastifyRequest, reply: FastifyReply): AsyncIterable<Uint8Array> {
  if (expectsContinue(request.raw)) reply.raw.writeContinue();
  const body: AsyncIterable<Uint8Array> = request.raw.iterator({ destroyOnReturn: false });
  const { stalledClientSeconds } = request.config.repo;
  return stalledClientSeconds > 0 ? refuseStalled(body, stalledClientSeconds * 1000) : body;
}

/** Ends a body of which too little comes, so that nobody can hold many connections open with little effort. */
async function* refuseStalled(body: AsyncIterable<Uint8Array>, periodMs: number): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  let bytesInPeriod = 0;
  let giveUp: ((reason: Stalled) => void) | undefined;
  const timer = setInterval(() => {
    if (bytesInPeriod < MIN_BYTES_IN_PERIOD) giveUp?.(new Stalled());
    bytesInPeriod = 0;
  }, periodMs);
  try {
    for (;;) {
      const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>();
      giveUp = reject;
      chunks.next().then(resolve, reject);
      const { done, value } = await promise;
      giveUp = undefined; // while a slow disk takes the chunk, the client is not to blame
      if (done === true) return;
      bytesInPeriod += value.length;
      yield value;
    }
  } finally {
    clearInterval(timer);
    void chunks.return?.().catch(() => undefined); // what broke has been told already
  }
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
  if (request.complete || typeof socket.destroySoon !== 'function') return;
  const destroySoon = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    if (request.complete) destroySoon();
    else socket.end();
  };
}

/** To be called when an answer is complete: the rest of the body is read and thrown away, within bounds. */
export function lingerUntilRead(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  if (request.complete || socket.destroyed || response.destroyed) return;
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
