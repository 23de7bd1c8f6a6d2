import type { FastifyReply, FastifyRequest } from 'fastify';
import { MatrixError } from '../matrix/index.ts';
import type { ComingMedia } from '../media/index.ts';
import { describeMedia, type MediaDescription } from './describe-media.ts';
import { ClientLeft } from './errors.ts';
import { MEDIA_CACHE_CONTROL } from './headers.ts';
import type { RateLimits } from './rate-limit.ts';
import { writeChunk } from './write-chunk.ts';

/**
 * Answers with media that is on its way from another server, without waiting for its end. What breaks off there breaks
 * the connection here. Nobody knows the tag yet, and perhaps not the length.
 * @throws {LimitExceeded} before anything is sent
 */
export type SendComingMedia = (
  request: FastifyRequest,
  reply: FastifyReply,
  coming: ComingMedia,
  description: MediaDescription,
) => Promise<FastifyReply>;

export function createComingMediaSender(limits: RateLimits): SendComingMedia {
  return async (request, reply, coming, description) => {
    const { sizeBytes } = coming;
    limits.chargeDownload(request.exchange, sizeBytes ?? 0);
    const { raw } = reply;
    raw.strictContentLength = true;
    reply.code(200).headers({
      ...describeMedia(description),
      'Cache-Control': MEDIA_CACHE_CONTROL,
      'Accept-Ranges': 'bytes',
      ...(sizeBytes !== undefined && { 'Content-Length': sizeBytes }),
    });
    raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>); // numbers are fine with Node too
    reply.hijack(); // only now: what `writeHead` throws about a header is still answered
    try {
      for await (const chunk of coming.read(request.signal)) {
        if (sizeBytes === undefined) limits.chargeOnTheWay(request.exchange, chunk.length);
        await writeChunk(raw, chunk, request.signal);
      }
      raw.end();
    } catch (error) {
      raw.destroy();
      tellTrouble(request, error);
    }
    return reply;
  };
}

/**
 * Whether the client is served as well by what has neither tag nor all of its bytes: it has asked for all of it, and would
 * notice if the answer broke off. HTTP/1.0 has no end but that of the connection.
 */
export function takesWhatComes({ method, headers, raw, domain }: FastifyRequest): boolean {
  if (!domain.downloads.passOnWhileFetching) return false;
  const asksForAll = headers.range === undefined || /^bytes=0-$/.test(headers.range);
  const isConditional = headers['if-match'] !== undefined || headers['if-range'] !== undefined;
  return method === 'GET' && asksForAll && !isConditional && raw.httpVersionMajor === 1 && raw.httpVersionMinor > 0;
}

function tellTrouble(request: FastifyRequest, error: unknown): void {
  if (error instanceof ClientLeft || request.signal.aborted) return;
  const message = 'An answer broke off, as the media did that was on its way from another server';
  if (error instanceof MatrixError) request.log.warn({ err: error }, message);
  else request.log.error({ err: error }, message);
}
