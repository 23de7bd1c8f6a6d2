import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ByteRange, StoredObject } from '../datastores/index.ts';
import { PreconditionFailed } from '../matrix/index.ts';
import { parseRanges } from './byte-range.ts';
import { formatDisposition } from './content-disposition.ts';
import { cleanContentType, nameCharset } from './content-type.ts';
import { ClientLeft } from './errors.ts';
import { matchesEtag } from './etag.ts';
import { COMMON_HEADERS } from './headers.ts';
import type { HotAnswers } from './hot-answers.ts';
import type { RateLimits } from './rate-limit.ts';

/** What goes to the client, and under which names. */
export interface SentMedia {
  readonly contentType: string;
  /** `undefined`: no file name is sent (CD-5). */
  readonly fileName: string | undefined;
  /** Never `inline`, because the client said so (CD-9). */
  readonly asAttachment: boolean;
  /** Of exactly these bytes; becomes the `ETag`. */
  readonly sha256: string;
  readonly object: StoredObject;
  /** The object, if the same request would still be answered with it and it is in memory; `undefined`: who knows. */
  readonly again: (() => StoredObject | undefined) | undefined;
  /** The client can be sent to `object.publicUrl`. */
  readonly mayRedirect: boolean;
  /** By the `Accept` header; caches are told. */
  readonly varies?: boolean;
  /** Sent in place of what was asked for, which may come back: it counts for nobody's limit, and is not for ever. */
  readonly isStandIn?: boolean;
}

export interface MediaSenderParts {
  readonly limits: RateLimits;
  readonly hotAnswers: HotAnswers;
}

/**
 * Answers 200, 206, 304, 307, 412 or 416, with or without a body, from what the request's headers ask for. Does not
 * dispose the object. A body that breaks off breaks the connection: never a short file that looks whole.
 * Specification: DL-1, DL-7, DL-12 to DL-14, CT-1, CT-3, CD-1 to CD-7; RFC 9110, sections 13 and 14.
 * @throws {LimitExceeded} {@link PreconditionFailed} {@link RangeNotSatisfiable} before anything is sent
 */
export type SendMedia = (request: FastifyRequest, reply: FastifyReply, media: SentMedia) => Promise<FastifyReply>;

export function createMediaSender(parts: MediaSenderParts): SendMedia {
  return (request, reply, media) => sendMedia(parts, request, reply, media);
}

/** Of the body, in order: a part of the object, or what stands between two. */
type Piece = ByteRange | Buffer;

/** Bytes never change under one URI, but access to them may end: private, and not for ever. */
const CACHE_CONTROL = 'private, max-age=259200, immutable';
const STAND_IN_CACHE_CONTROL = 'private, max-age=259200';

async function sendMedia(
  parts: MediaSenderParts,
  request: FastifyRequest,
  reply: FastifyReply,
  media: SentMedia,
): Promise<FastifyReply> {
  const { sizeBytes, publicUrl } = media.object;
  const etag = `"${media.sha256}"`;
  refuseOtherMedia(request.headers['if-match'], etag);
  const headersOfKnown = {
    ETag: etag,
    'Cache-Control': media.isStandIn ? STAND_IN_CACHE_CONTROL : CACHE_CONTROL,
    ...(media.varies && { Vary: 'Accept' }),
  };
  const isKnown = matchesEtag(request.headers['if-none-match'], etag);
  if (!isKnown && publicUrl !== undefined && media.mayRedirect && request.method === 'GET') {
    return reply.code(307).headers({ Location: publicUrl, 'Cache-Control': 'no-store' }).send();
  }
  const contentType = nameCharset(cleanContentType(media.contentType));
  const ranges = isKnown ? undefined : askedRanges(request, sizeBytes, etag);
  const { pieces, bytes, headers } = layOut(ranges, sizeBytes, contentType);
  if (request.method === 'GET' && !isKnown && !media.isStandIn) parts.limits.chargeDownload(request.exchange, bytes);
  const all = {
    ...headersOfKnown,
    'Content-Type': contentType,
    'Content-Disposition': formatDisposition(contentType, media.fileName, media.asAttachment),
    'Accept-Ranges': 'bytes',
    'Content-Length': bytes,
    ...headers,
  };
  if (media.again !== undefined && media.object.bytes !== undefined && ranges === undefined) {
    const answer = {
      readableUrl: request.url,
      resource: request.routeOptions.url,
      etag,
      headers: inTurn({ ...COMMON_HEADERS, ...all }),
      headersOfKnown: inTurn({ ...COMMON_HEADERS, ...headersOfKnown }),
      again: media.again,
    };
    const { originalUrl, exchange, headers: asked } = request;
    parts.hotAnswers.remember(originalUrl, exchange, asked, answer, media.object.bytes);
  }
  if (isKnown) return reply.code(304).headers(headersOfKnown).send();
  reply.code(ranges === undefined ? 200 : 206).headers(all);
  if (request.method === 'HEAD' || bytes === 0) return reply.send();
  await sendBytes(request, reply, media.object, pieces);
  return reply;
}

/** Names and values, as Node takes them with the least work. */
function inTurn(headers: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
}

/** RFC 9110, section 13.1.1: strong comparison, any of a list. There is no date to which the other conditions could be held. */
function refuseOtherMedia(ifMatch: string | undefined, etag: string): void {
  const isMeant = ifMatch === undefined || ifMatch.split(',').some((tag) => ['*', etag].includes(tag.trim()));
  if (!isMeant) throw new PreconditionFailed();
}

/** RFC 9110, sections 13.1.5 and 14.2: for GET only, and with `If-Range` only of the bytes that the client has seen. */
function askedRanges(request: FastifyRequest, sizeBytes: number, etag: string): readonly ByteRange[] | undefined {
  const header = request.headers.range;
  const condition = request.headers['if-range'];
  if (header === undefined || request.method !== 'GET' || sizeBytes === 0) return undefined;
  if (condition !== undefined && condition !== etag) return undefined;
  return parseRanges(header, sizeBytes, request.domain.downloads.defaultRangeChunkSizeBytes);
}

/** RFC 9110, sections 14.4 and 14.6. */
function layOut(
  ranges: readonly ByteRange[] | undefined,
  sizeBytes: number,
  contentType: string,
): { readonly pieces: readonly Piece[]; readonly bytes: number; readonly headers: Readonly<Record<string, string>> } {
  if (ranges === undefined) return { pieces: [{ start: 0, end: sizeBytes - 1 }], bytes: sizeBytes, headers: {} };
  const [first] = ranges;
  if (first !== undefined && ranges.length === 1) {
    return { pieces: ranges, bytes: lengthOf(first), headers: { 'Content-Range': formatRange(first, sizeBytes) } };
  }
  const boundary = randomBytes(18).toString('hex');
  const pieces = ranges.flatMap((range, at): Piece[] => {
    const head = `${at === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Range: ${formatRange(range, sizeBytes)}\r\n\r\n`;
    return [Buffer.from(head, 'latin1'), range];
  });
  pieces.push(Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'));
  return {
    pieces,
    bytes: pieces.reduce((sum, piece) => sum + lengthOf(piece), 0),
    headers: { 'Content-Type': `multipart/byteranges; boundary=${boundary}` },
  };
}

function lengthOf(piece: Piece): number {
  return Buffer.isBuffer(piece) ? piece.length : piece.end - piece.start + 1;
}

function formatRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end}/${sizeBytes}`;
}

async function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  object: StoredObject,
  pieces: readonly Piece[],
): Promise<void> {
  const { raw } = reply;
  raw.strictContentLength = true; // a source with more or fewer bytes than it said is an error
  raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>); // numbers are fine with Node too
  reply.hijack(); // only now: what `writeHead` throws about a header is still answered
  const [only] = pieces;
  if (object.bytes !== undefined && only !== undefined && pieces.length === 1 && !Buffer.isBuffer(only)) {
    if (raw.destroyed) return; // what is written to it would be called too short
    raw.end(object.bytes.subarray(only.start, only.end + 1));
    return;
  }
  try {
    for (const piece of pieces) {
      const chunks = Buffer.isBuffer(piece) ? [piece] : object.read(piece, request.signal);
      for await (const chunk of chunks) await writeChunk(raw, chunk, request.signal);
    }
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
