import type { Readable } from 'node:stream';
import { parse as parseDisposition } from 'content-disposition';
import { type Outbound, OutboundError, type OutboundTrouble } from '../../outbound/index.ts';
import { ACCEPTED_CODINGS, decompress, isBadCompression } from './decompress.ts';
import { findLinkProblem } from './link-rules.ts';
import { NoPreview } from './no-preview.ts';
import { peek } from './peek.ts';
import { sniffType } from './sniff-type.ts';

/** What came of a link. Destroy the body unless it has been read to its end. */
export interface Fetched {
  /** Where it was in the end. */
  readonly url: URL;
  /** Without parameters, in small letters; empty when nobody knows it. */
  readonly contentType: string;
  readonly charset: string | undefined;
  /** Empty when nothing was said. */
  readonly fileName: string;
  /** Of the body as it is read; `undefined` when nobody knows. */
  readonly announcedBytes: number | undefined;
  readonly body: Readable;
}

export interface FetcherOptions {
  readonly outbound: Outbound;
  readonly userAgent: string;
  /** Of `Accept-Language`. */
  readonly language: string;
  /** `urlPreviews.urlDenyList` */
  readonly denied: readonly string[];
}

/** @throws {NoPreview} for links that lead nowhere, or to where nothing is asked; what the signal carries */
export type Fetcher = (url: URL, accept: string, signal: AbortSignal) => Promise<Fetched>;

const MAX_REDIRECTS = 10;
/** May be over with the next attempt. */
const PASSING: ReadonlySet<OutboundTrouble> = new Set([
  'lookup failed',
  'timeout',
  'refused',
  'unreachable',
  'broken off',
]);

/** The one way in which previews ask anybody for anything. */
export function createFetcher({ outbound, userAgent, language, denied }: FetcherOptions): Fetcher {
  const headers = {
    'accept-language': language,
    'accept-encoding': ACCEPTED_CODINGS,
    ...(userAgent !== '' && { 'user-agent': userAgent }),
  };
  return async (url, accept, signal) => {
    const call = {
      headers: { accept, ...headers },
      protocols: ['https:', 'http:'] as const,
      maxRedirects: MAX_REDIRECTS,
      refuse: (hop: URL) => findLinkProblem(hop, denied),
    };
    try {
      const answer = await outbound.get(url, call, signal);
      const { status, body } = answer;
      try {
        if (status !== 200) throw new NoPreview(`The answer was ${status}`, status < 500 && status !== 429);
        return await describe(answer);
      } catch (error) {
        body.destroy();
        throw error;
      }
    } catch (error) {
      throw asNoPreview(error);
    }
  };
}

/** What a fetch and a body fail with, in the words of this room. */
export function asNoPreview(error: unknown): unknown {
  if (isBadCompression(error)) return new NoPreview('What came cannot be decompressed', true, { cause: error });
  if (isPrematureClose(error)) return new NoPreview('What came was not all', false, { cause: error });
  if (!(error instanceof OutboundError)) return error;
  return new NoPreview(`${error.trouble}: ${error.message}`, !PASSING.has(error.trouble), { cause: error });
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

async function describe({ url, headers, body }: Awaited<ReturnType<Outbound['get']>>): Promise<Fetched> {
  const text = (name: string) => [headers[name]].flat()[0] ?? '';
  const [type = '', ...parameters] = text('content-type').split(';');
  const charset = parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"]+)/i.exec(parameter)?.[1]).find(Boolean);
  const contentEncoding = [headers['content-encoding']].flat().join(',');
  const length = text('content-length');
  const decompressed = await decompress(body, contentEncoding);
  return {
    url,
    contentType: await checkType(type.trim().toLowerCase(), decompressed),
    charset,
    fileName: nameOf(text('content-disposition')),
    announcedBytes: /^\d+$/.test(length) && contentEncoding === '' ? Number(length) : undefined,
    body: decompressed,
  };
}

/** Servers send as plain text what they do not know, too. https://mimesniff.spec.whatwg.org, "sniffing a mislabeled binary resource" */
async function checkType(declared: string, body: Readable): Promise<string> {
  if (declared !== '' && declared !== 'text/plain') return declared;
  return sniffType((await peek(body)) ?? Buffer.alloc(0)) || declared;
}

/** The last component of the path that it may be. */
function nameOf(disposition: string): string {
  try {
    const name = parseDisposition(disposition).parameters['filename'] ?? '';
    return (name.toWellFormed().split(/[\\/]/).at(-1) ?? '').replace(/\p{Cc}/gu, '');
  } catch {
    return ''; // a bad name is as good as none
  }
}
