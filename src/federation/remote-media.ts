import { parse as parseDisposition } from 'content-disposition';
import {
  type MediaId,
  NotFound,
  NotYetUploaded,
  RefusedByRemote,
  RemoteTooLarge,
  RemoteUnavailable,
  type ServerName,
} from '../matrix/index.ts';
import { type Outbound, type OutboundAnswer, OutboundError, readBody } from '../outbound/index.ts';
import type { Counts } from '../telemetry/index.ts';
import { refuseCrumbs } from '../waiting/index.ts';
import { asRemoteTrouble, type Federation, type Sign } from './federation.ts';
import { boundaryOf, MultipartProblem, readMediaPart } from './multipart.ts';
import { type AskAgain, resumeBody } from './resume-body.ts';
import { USER_AGENT } from './user-agent.ts';

/** Media as it comes in from the server that it belongs to. */
export interface IncomingMedia {
  readonly contentType: string;
  /** Without folders and control characters; empty for none. */
  readonly uploadName: string;
  /** Of the media, when that is certain: a body of another length fails. */
  readonly sizeBytes: number | undefined;
  /** As announced, of this media or a little more than it; `undefined`: nobody said. */
  readonly announcedBytes: number | undefined;
  /** Ends only when nothing is missing. To be read, or destroyed by leaving the loop. @throws {RemoteUnavailable} */
  readonly body: AsyncIterable<Buffer>;
}

/**
 * Asks the server that the media belongs to: the authenticated endpoint first, where there is a key to sign with, then
 * the deprecated ones, where it does not know that. Specification: FED-12 to FED-20.
 * @param sign `undefined`: the asking domain has no key
 * @throws {NotFound} {@link RefusedByRemote} {@link NotYetUploaded} {@link RemoteTooLarge} {@link RemoteUnavailable}
 */
export type FetchRemote = (
  origin: ServerName,
  mediaId: MediaId,
  sign: Sign | undefined,
  signal: AbortSignal,
) => Promise<IncomingMedia>;

export interface RemoteMediaParts {
  readonly federation: Pick<Federation, 'request'>;
  /** For redirects, under the same rules about networks. */
  readonly outbound: Pick<Outbound, 'get'>;
  /** For tests of federations: no TLS, in no step. */
  readonly plainHttp?: boolean;
  readonly counts?: Pick<Counts, 'remoteAsked'> | undefined;
}

/** What comes compressed would be of no use, see {@link refuseCompressed}. */
const AS_IT_IS = { 'accept-encoding': 'identity' };
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_REDIRECTS = 5;
const MAX_RETRY_AFTER_MS = 3_600_000;

export function createFetchRemote({ federation, outbound, plainHttp = false, counts }: RemoteMediaParts): FetchRemote {
  const follow = async (origin: ServerName, location: string, base: URL, signal: AbortSignal) => {
    const url = URL.parse(location, base.href);
    if (url === null) throw new RemoteUnavailable(origin, 'bad answer');
    // Another path of the same server is where the server is, which its name alone does not tell.
    if (location.startsWith('/') && url.origin === base.origin) {
      return await askAgainThere(origin, url.pathname + url.search, signal);
    }
    const protocols = plainHttp ? (['https:', 'http:'] as const) : (['https:'] as const);
    const get = (place: URL, own: Readonly<Record<string, string>> = {}) => {
      const headers = { 'user-agent': USER_AGENT, ...AS_IT_IS, ...own };
      return outbound.get(place, { headers, protocols, maxRedirects: MAX_REDIRECTS }, signal);
    };
    try {
      const answer = await get(url);
      if (answer.status === 200) return whole(origin, answer, (headers) => get(answer.url, headers));
      answer.body.destroy();
      const cause = new Error(`${answer.url.host} answered ${answer.status}`);
      throw new RemoteUnavailable(origin, 'bad answer', { cause });
    } catch (error) {
      throw asRemoteTrouble(origin, error);
    }
  };

  const askAgainThere = async (origin: ServerName, path: string, signal: AbortSignal): Promise<IncomingMedia> => {
    const ask = (own: Readonly<Record<string, string>>) =>
      federation.request(origin, { path, headers: { ...AS_IT_IS, ...own } }, signal);
    const answer = await ask({});
    if (answer.status === 200) return whole(origin, answer, ask);
    answer.body.destroy();
    const cause = new Error(`${answer.url.host} answered ${answer.status}`);
    throw new RemoteUnavailable(origin, 'bad answer', { cause });
  };

  const askSigned = async (origin: ServerName, mediaId: MediaId, sign: Sign, signal: AbortSignal) => {
    counts?.remoteAsked(origin);
    const path = `/_matrix/federation/v1/media/download/${encodeURIComponent(mediaId)}`;
    const answer = await federation.request(origin, { path, sign, headers: AS_IT_IS }, signal);
    if (answer.status !== 200) return await orUnknownEndpoint(origin, answer, signal);
    refuseCompressed(origin, answer);
    try {
      const boundary = boundaryOf(textOf(answer, 'content-type'));
      const part = await readMediaPart(refuseCrumbs(answer.body as AsyncIterable<Buffer>, crumbsRefusal), boundary);
      const location = part.headers.get('location');
      if (location === undefined) {
        const named = { type: part.headers.get('content-type'), disposition: part.headers.get('content-disposition') };
        const announcedBytes = lengthOf(answer);
        return {
          ...describeMedia(named),
          sizeBytes: undefined,
          announcedBytes,
          body: watch(origin, refuseCrumbs(part.body, crumbsRefusal)),
        };
      }
      answer.body.destroy();
      return await follow(origin, location, answer.url, signal);
    } catch (error) {
      answer.body.destroy();
      throw asBadAnswer(origin, error);
    }
  };

  const askOpenly = async (origin: ServerName, path: string, signal: AbortSignal) => {
    counts?.remoteAsked(origin);
    const answer = await federation.request(origin, { path, headers: AS_IT_IS }, signal);
    if (answer.status === 200) {
      return whole(origin, answer, (own) =>
        federation.request(origin, { path, headers: { ...AS_IT_IS, ...own } }, signal),
      );
    }
    const location = answer.headers['location'];
    if ((answer.status === 307 || answer.status === 308) && typeof location === 'string') {
      answer.body.destroy();
      return await follow(origin, location, answer.url, signal);
    }
    return await orUnknownEndpoint(origin, answer, signal);
  };

  return async (origin, mediaId, sign, signal) => {
    const signed = sign === undefined ? undefined : await askSigned(origin, mediaId, sign, signal);
    if (signed !== undefined) return signed;
    for (const version of ['v3', 'r0']) {
      const path = `/_matrix/media/${version}/download/${encodeURIComponent(origin)}/${encodeURIComponent(mediaId)}`;
      const found = await askOpenly(origin, `${path}?allow_remote=false&allow_redirect=true`, signal);
      if (found !== undefined) return found;
    }
    throw new NotFound();
  };
}

/** `undefined`: the server does not know the endpoint, or something in front of it does not; else its refusal is thrown. */
async function orUnknownEndpoint(origin: ServerName, answer: OutboundAnswer, signal: AbortSignal): Promise<undefined> {
  const refusal = await refusalOf(origin, answer);
  signal.throwIfAborted(); // whoever leaves in the middle of a refusal has not been refused
  if (refusal !== undefined) throw refusal;
}

/** @returns `undefined` for an endpoint that is not known (FED-14) */
async function refusalOf(origin: ServerName, answer: OutboundAnswer): Promise<Error | undefined> {
  const errcode = await errcodeOf(answer);
  const { status } = answer;
  if (errcode === 'M_UNRECOGNIZED' && [400, 404, 405, 501].includes(status)) return undefined;
  if (errcode === undefined && (status === 404 || status === 405)) return undefined;
  if (errcode === 'M_TOO_LARGE' || status === 413)
    return new RemoteTooLarge(`The server ${origin} finds the media too large`);
  if (errcode === 'M_NOT_YET_UPLOADED') return new NotYetUploaded();
  if (status === 404 || status === 410) return new NotFound();
  if (status === 401 || status === 403) return new RefusedByRemote();
  const cause = new Error(`${answer.url.host} answered ${status} ${errcode ?? ''}`);
  if (status !== 429) return new RemoteUnavailable(origin, status === 504 ? 'timeout' : 'bad answer', { cause });
  return new RemoteUnavailable(origin, 'left alone', { cause }, retryAfterMsOf(answer));
}

/** What our asker is told, too, so it is cut: nobody is sent away for ever. A second, where nothing is said in seconds. */
function retryAfterMsOf(answer: OutboundAnswer): number {
  const text = textOf(answer, 'retry-after');
  return /^\d+$/.test(text) ? Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS) : 1000;
}

/** `undefined`: it is no Matrix error. */
async function errcodeOf(answer: OutboundAnswer): Promise<string | undefined> {
  try {
    const body: unknown = JSON.parse((await readBody(answer, MAX_ERROR_BYTES)).toString());
    const errcode = typeof body === 'object' && body !== null && 'errcode' in body ? body.errcode : undefined;
    return typeof errcode === 'string' ? errcode : undefined;
  } catch {
    return undefined; // the status has to do, whatever is wrong with the body
  }
}

function whole(origin: ServerName, answer: OutboundAnswer, askAgain: AskAgain): IncomingMedia {
  refuseCompressed(origin, answer);
  const named = { type: textOf(answer, 'content-type'), disposition: textOf(answer, 'content-disposition') };
  const sizeBytes = lengthOf(answer);
  const body = watch(origin, refuseCrumbs(resumeBody(answer, askAgain), crumbsRefusal));
  return { ...describeMedia(named), sizeBytes, announcedBytes: sizeBytes, body };
}

function crumbsRefusal(minPieceBytes: number): OutboundError {
  return new OutboundError('protocol', `The answer comes in pieces of less than ${minPieceBytes} bytes`);
}

const COMPRESSED = /\b(gzip|deflate|compress|br|zstd)\b/i;

/** Nobody asked for that: as they come, the bytes are not the media, and whoever unpacks them does not know how much comes out. */
function refuseCompressed(origin: ServerName, answer: OutboundAnswer): void {
  const coding = textOf(answer, 'content-encoding');
  if (!COMPRESSED.test(coding)) return;
  answer.body.destroy();
  throw new RemoteUnavailable(origin, 'bad answer', { cause: new Error(`${answer.url.host} compresses: ${coding}`) });
}

function describeMedia({
  type,
  disposition,
}: {
  readonly type: string | undefined;
  readonly disposition: string | undefined;
}): Pick<IncomingMedia, 'contentType' | 'uploadName'> {
  return { contentType: type || 'application/octet-stream', uploadName: nameOf(disposition) };
}

/** The last component of the path that it may be, whichever way its slashes lean. */
function nameOf(disposition: string | undefined): string {
  try {
    const name = parseDisposition(disposition ?? '').parameters['filename'] ?? '';
    return (name.toWellFormed().split(/[\\/]/).at(-1) ?? '').replace(/\p{Cc}/gu, '');
  } catch {
    return ''; // media with a bad name is as good as media without one
  }
}

function textOf({ headers }: OutboundAnswer, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function lengthOf(answer: OutboundAnswer): number | undefined {
  const text = textOf(answer, 'content-length');
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

async function* watch(origin: ServerName, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw asBadAnswer(origin, error);
  }
}

function asBadAnswer(origin: ServerName, error: unknown): unknown {
  if (error instanceof MultipartProblem) return new RemoteUnavailable(origin, 'bad answer', { cause: error });
  return asRemoteTrouble(origin, error);
}
