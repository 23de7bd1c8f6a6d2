import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ByteRange, StoredObject } from '../datastores/index.ts';
import { parseRange } from './byte-range.ts';
import { formatDisposition } from './content-disposition.ts';
import { ClientLeft } from './errors.ts';

/** What goes to the client, and under which names. */
export interface SentMedia {
  readonly contentType: string;
  /** `undefined`: no file name is sent (CD-5). */
  readonly fileName: string | undefined;
  /** Of exactly these bytes; becomes the `ETag`. */
  readonly sha256: string;
  readonly object: StoredObject;
}

/** Bytes never change under one URI, but access to them may end: private, and not for ever. */
const CACHE_CONTROL = 'private, max-age=259200, immutable';

/**
 * Answers 200, 206, 304 or 416, with or without a body, from what the request's headers ask for. Does not dispose the
 * object. A body that breaks off breaks the connection: never a short file that looks whole.
 * Specification: DL-1, DL-12 to DL-14, CT-1, CD-1 to CD-7; RFC 9110, sections 13 and 14.
 */
export async function sendMedia(request: FastifyRequest, reply: FastifyReply, media: SentMedia): Promise<FastifyReply> {
  const { sizeBytes } = media.object;
  const etag = `"${media.sha256}"`;
  reply.header('ETag', etag);
  reply.header('Cache-Control', CACHE_CONTROL);
  if (matchesEtag(request.headers['if-none-match'], etag)) {
    return reply.code(304).send();
  }
  reply.header('Content-Type', media.contentType);
  reply.header('Content-Disposition', formatDisposition(media.contentType, media.fileName));
  reply.header('Accept-Ranges', 'bytes');
  const range = askedRange(request, sizeBytes, etag);
  if (range !== undefined) reply.header('Content-Range', `bytes ${range.start}-${range.end}/${sizeBytes}`);
  const sent = range ?? { start: 0, end: sizeBytes - 1 };
  reply.header('Content-Length', sent.end - sent.start + 1);
  reply.code(range === undefined ? 200 : 206);
  if (request.method === 'HEAD' || sizeBytes === 0) return reply.send();
  await sendBytes(request, reply, media.object, sent);
  return reply;
}

/** RFC 9110, section 13.1.2: weak comparison, any of a list. */
function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => {
    const tag = part.trim().replace(/^W\//, '');
    return tag === etag || tag === '*';
  });
}

/** RFC 9110, sections 13.1.5 and 14.2: for GET only, and with `If-Range` only of the bytes that the client has seen. */
function askedRange(request: FastifyRequest, sizeBytes: number, etag: string): ByteRange | undefined {
  const header = request.headers.range;
  const condition = request.headers['if-range'];
  if (header === undefined || request.method !== 'GET' || sizeBytes === 0) return undefined;
  return condition === undefined || condition === etag ? parseRange(header, sizeBytes) : undefined;
}

async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  object: StoredObject,
  range: ByteRange,
): Promise<void> {
  const { raw } = reply;
  reply.hijack();
  raw.strictContentLength = true; // a source with more or fewer bytes than it said is an error
  raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>); // numbers are fine with Node too
  try {
    for await (const chunk of object.read(range, request.signal)) await writeChunk(raw, chunk, request.signal);
    raw.end();
  } catch (error) {
    const hasClientLeft = error instanceof ClientLeft || request.signal.aborted;
    if (!hasClientLeft) request.log.error({ err: error }, 'An answer broke off while its body was sent');
    raw.destroy();
  }
}

/**
 * Resolves when the socket has taken the chunk: its memory is used again for the next one.
 * @throws {ClientLeft} Node does not always call back then; the signal tells it in any case
 */
async function writeChunk(raw: ServerResponse, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: taken, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  raw.write(chunk, (error) => (error ? reject(new ClientLeft()) : resolve()));
  try {
    await taken;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
