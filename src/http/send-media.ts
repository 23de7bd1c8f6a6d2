import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ByteRange, StoredObject } from '../datastores/index.ts';
import { PreconditionFailed } from '../matrix/index.ts';
import type { Counts } from '../telemetry/index.ts';
import { type BodyLayout, layOutMixed, layOutRanges, type Piece } from './body-layout.ts';
import { parseRanges } from './byte-range.ts';
import { describeMedia, type MediaDescription } from './describe-media.ts';
import { ClientLeft } from './errors.ts';
import { matchesEtag } from './etag.ts';
import { COMMON_HEADERS, MEDIA_CACHE_CONTROL } from './headers.ts';
import type { HotAnswers } from './hot-answers.ts';
import type { RateLimits } from './rate-limit.ts';
import { writeChunk } from './write-chunk.ts';

/** What goes to the client, and under which names. */
export interface SentMedia extends MediaDescription {
  /** Of exactly these bytes; becomes the `ETag`. */
  readonly sha256: string;
  readonly object: StoredObject;
  /** The object, if the same request would still be answered with it and it is in memory; `undefined`: who knows. */
  readonly again: (() => StoredObject | undefined) | undefined;
  /** When it was stored, in milliseconds since 1970; `undefined`: it is kept nowhere. */
  readonly createdTs?: number | undefined;
  /** The client can be sent where `object.redirect` says. */
  readonly mayRedirect: boolean;
  /** By the `Accept` header; caches are told. */
  readonly varies?: boolean;
  /** Sent in place of what was asked for, which may come back: it counts for nobody's limit, and is not for ever. */
  readonly isStandIn?: boolean;
  /** Another server asks: it gets the media and its headers within `multipart/mixed` (FED-5), and always all of it. */
  readonly isForServer?: boolean;
}

export interface MediaSenderParts {
  readonly limits: RateLimits;
  readonly hotAnswers: HotAnswers;
  readonly counts?: Pick<Counts, 'mediaRead'> | undefined;
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

const STAND_IN_CACHE_CONTROL = 'private, max-age=259200';

async function sendMedia(
  parts: MediaSenderParts,
  request: FastifyRequest,
  reply: FastifyReply,
  media: SentMedia,
): Promise<FastifyReply> {
  const { createdTs, object } = media;
  const { redirect } = object;
  const etag = `"${media.sha256}"`;
  refuseOtherMedia(request.headers['if-match'], media.isForServer ? undefined : etag);
  if (createdTs !== undefined) parts.counts?.mediaRead((request.exchange.startedMs - createdTs) / 1000);
  const headersOfKnown = headersOfCopies(media, etag);
  const isKnown = matchesEtag(request.headers['if-none-match'], etag);
  const location =
    media.mayRedirect && !isKnown ? await redirect?.url(describeMedia(media), request.signal) : undefined;
  if (location !== undefined && media.isForServer) return sendLocation(request, reply, location);
  if (location !== undefined && request.method === 'GET') {
    return reply.code(307).headers({ Location: location, 'Cache-Control': 'no-store' }).send();
  }
  const plan = media.isForServer ? planForServer(media) : planForClient(request, media, etag, isKnown);
  const { status, layout, headers } = plan;
  if (request.method === 'GET' && !isKnown && !media.isStandIn) {
    parts.limits.chargeDownload(request.exchange, layout.bytes);
  }
  const all = { ...headersOfKnown, ...headers, 'Content-Length': layout.bytes, ...layout.headers };
  if (media.again !== undefined && createdTs !== undefined && object.bytes !== undefined && status === 200) {
    const answer = {
      readableUrl: request.url,
      resource: request.routeOptions.url,
      action: request.routeOptions.config.action,
      etag,
      headers: inTurn({ ...COMMON_HEADERS, ...all }),
      headersOfKnown: inTurn({ ...COMMON_HEADERS, ...headersOfKnown }),
      again: media.again,
      createdTs,
    };
    const { originalUrl, exchange, headers: asked } = request;
    parts.hotAnswers.remember(originalUrl, exchange, asked, answer, object.bytes);
  }
  if (isKnown) return reply.code(304).headers(headersOfKnown).send();
  const hasBody = request.method !== 'HEAD' && layout.bytes > 0;
  if (request.method === 'HEAD') await object.confirm?.(request.signal);
  const body = hasBody ? await openBody(object, layout.pieces, request.signal) : undefined;
  reply.code(status).headers(all); // not before: what goes wrong up to here is answered with headers of its own
  if (body === undefined) return reply.send();
  await sendBytes(request, reply, body);
  return reply;
}

/**
 * What also stands in a 304. Around the media a server gets a boundary that is new each time, so its tag is a weak one; and
 * no word about caching, since what it keeps is the media.
 */
function headersOfCopies(
  { isForServer, isStandIn, varies }: SentMedia,
  etag: string,
): Readonly<Record<string, string>> {
  if (isForServer) return { ETag: `W/${etag}` };
  return {
    ETag: etag,
    'Cache-Control': isStandIn ? STAND_IN_CACHE_CONTROL : MEDIA_CACHE_CONTROL,
    ...(varies && { Vary: 'Accept' }),
  };
}

/** An answer with a body that is not there yet. */
interface Plan {
  readonly status: 200 | 206;
  readonly layout: BodyLayout;
  readonly headers: Readonly<Record<string, string>>;
}

/** @param isKnown the client has the media, so that what it says of ranges does not count */
function planForClient(request: FastifyRequest, media: SentMedia, etag: string, isKnown: boolean): Plan {
  const { sizeBytes } = media.object;
  const described = describeMedia(media);
  const ranges = isKnown ? undefined : askedRanges(request, sizeBytes, etag);
  return {
    status: ranges === undefined ? 200 : 206,
    layout: layOutRanges(ranges, sizeBytes, described['Content-Type']),
    headers: { ...described, 'Accept-Ranges': 'bytes' },
  };
}

function planForServer(media: SentMedia): Plan {
  const layout = layOutMixed({ headers: describeMedia(media), sizeBytes: media.object.sizeBytes });
  return { status: 200, layout, headers: { 'Accept-Ranges': 'none' } };
}

/** Where a server finds the bytes (FED-8). A URL of that kind may be one for today. */
function sendLocation(request: FastifyRequest, reply: FastifyReply, location: string): FastifyReply {
  const { pieces, bytes, headers } = layOutMixed({ location });
  reply.code(200).headers({ ...headers, 'Content-Length': bytes, 'Cache-Control': 'no-store' });
  return request.method === 'HEAD' ? reply.send() : reply.send(Buffer.concat(pieces.filter(Buffer.isBuffer)));
}

/** Names and values, as Node takes them with the least work. */
function inTurn(headers: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
}

/**
 * RFC 9110, section 13.1.1: strong comparison, any of a list. There is no date to which the other conditions could be held.
 * @param etag `undefined`: there is no strong one
 */
function refuseOtherMedia(ifMatch: string | undefined, etag: string | undefined): void {
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

/** All of it at once where it is in memory, else chunk by chunk. */
type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** Reads the first bytes of an object now, while trouble with it can still be answered. */
async function openBody(object: StoredObject, pieces: readonly Piece[], signal: AbortSignal): Promise<Body> {
  const { bytes } = object;
  if (bytes !== undefined) {
    const chunks = pieces.map((piece) => (Buffer.isBuffer(piece) ? piece : bytes.subarray(piece.start, piece.end + 1)));
    const [only] = chunks;
    return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
  }
  const start = pieces.find((piece): piece is ByteRange => !Buffer.isBuffer(piece));
  if (start === undefined) return Buffer.concat(pieces.filter(Buffer.isBuffer));
  const begun = object.read(start, signal)[Symbol.asyncIterator]();
  const first = await begun.next();
  return (async function* () {
    for (const piece of pieces) {
      if (Buffer.isBuffer(piece)) yield piece;
      else if (piece !== start) yield* object.read(piece, signal);
      else {
        if (first.done !== true) yield first.value;
        yield* { [Symbol.asyncIterator]: () => begun };
      }
    }
  })();
}

async function sendBytes(request: FastifyRequest, reply: FastifyReply, body: Body): Promise<void> {
  const { raw } = reply;
  raw.strictContentLength = true; // a source with more or fewer bytes than it said is an error
  raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>); // numbers are fine with Node too
  reply.hijack(); // only now: what `writeHead` throws about a header is still answered
  if (body instanceof Uint8Array) {
    if (!raw.destroyed) raw.end(body); // what is written to a destroyed one would be called too short
    return;
  }
  try {
    for await (const chunk of body) await writeChunk(raw, chunk, request.signal);
    raw.end();
  } catch (error) {
    const hasClientLeft = error instanceof ClientLeft || request.signal.aborted;
    if (!hasClientLeft) request.log.error({ err: error }, 'An answer broke off while its body was sent');
    raw.destroy();
  }
}
