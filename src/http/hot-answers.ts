import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import { type Auth, readToken } from '../auth/index.ts';
import type { Config } from '../config/index.ts';
import type { StoredObject } from '../datastores/index.ts';
import { LimitExceeded } from '../matrix/index.ts';
import type { Counts, Log } from '../telemetry/index.ts';
import { countBegin } from './count-request.ts';
import { matchesEtag } from './etag.ts';
import type { Exchange } from './exchange.ts';
import { hostOf } from './hosts.ts';
import { isRequestTold, logRequest } from './log-request.ts';
import type { RateLimits } from './rate-limit.ts';
import { findAmbiguity } from './request-framing.ts';

/**
 * Small media that is asked for again and again, answered in front of everything else. What is remembered is what an
 * address was answered with, and how to find out that it still would be; who asks, and how often, is looked at each time.
 */
export interface HotAnswers {
  /** To be called when `url`, as it was sent, is answered with the whole of an object, or with 304. */
  remember(url: string, exchange: Exchange, headers: IncomingHttpHeaders, answer: HotAnswer, body: Uint8Array): void;
  /** @returns whether the request has been answered; else nothing has happened but, perhaps, that it was counted */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** For good: while the server is being stopped, each answer has to say that its connection ends. */
  stop(): void;
}

/** What stays the same from one answer to the next. */
export interface HotAnswer {
  readonly readableUrl: string;
  /** The endpoint's pattern. */
  readonly resource: string | undefined;
  /** What metrics call the endpoint. */
  readonly action: string | undefined;
  /** With the quotes. */
  readonly etag: string;
  /** Of 200 and of 304: names and values in turn. */
  readonly headers: readonly string[];
  readonly headersOfKnown: readonly string[];
  /** When the media was stored, in milliseconds since 1970. */
  readonly createdTs: number;
  /** The object, if the media has not changed and the object is in memory. */
  readonly again: () => StoredObject | undefined;
}

export interface HotAnswersParts {
  readonly exchangeOf: (request: IncomingMessage) => Exchange;
  readonly auth: Pick<Auth, 'recall'>;
  readonly limits: RateLimits;
  readonly log: Log;
  readonly now: () => number;
  readonly counts?: Counts | undefined;
}

interface Entry extends HotAnswer {
  readonly config: Config;
  readonly needsToken: boolean;
  body: Uint8Array;
  /** When that was last found to be right, in milliseconds since 1970. */
  checkedMs: number;
}

/** Bodies are for the most part those that the media have in memory anyway. */
const MAX_BYTES = 32 * 1024 * 1024;
/** What an entry takes beside its body. */
const ENTRY_BYTES = 4096;
/** Clients that have a use for the answer ask for it in fewer characters. */
const MAX_KEY_LENGTH = 768;
/** So long nobody looks again whether an answer still holds: what changes in this moment is as if it came a moment later. */
const TRUSTED_MS = 100;
/** Parameters that say who asks, or could once they are decoded. */
const ABOUT_ASKER = /\?.*(?:%|(?:access_token|user_id|device_id)=)/;

export function createHotAnswers(parts: HotAnswersParts): HotAnswers {
  const { exchangeOf, auth, limits, counts } = parts;
  const entries = new LRUCache<string, Entry>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ body }) => body.length + ENTRY_BYTES,
  });
  let isStopped = false;

  /** Who asks, if that is known and may have the answer. */
  const mayHave = ({ needsToken }: Entry, exchange: Exchange, headers: IncomingHttpHeaders): boolean => {
    const token = readToken(headers, {});
    if (token === undefined) return !needsToken && headers.authorization === undefined;
    exchange.asker = auth.recall({ token, clientAddress: '' }, exchange.config, exchange.domain);
    return exchange.asker !== undefined;
  };

  /** A refusal is not written here: who is refused comes to it once more on the way that is for all requests. */
  const isWithinLimits = ({ readableUrl, resource = '' }: Entry, exchange: Exchange, bytes: number): boolean => {
    if (limits.count(exchange, readableUrl, resource)?.refusal !== undefined) return false;
    try {
      if (bytes > 0) limits.chargeDownload(exchange, bytes);
      return true;
    } catch (error) {
      if (error instanceof LimitExceeded) return false;
      throw error;
    }
  };

  /** @param body `undefined`: the client has it */
  const write = (entry: Entry, exchange: Exchange, response: ServerResponse, body: Uint8Array | undefined) => {
    if (counts !== undefined) count(entry, exchange, counts);
    if (isRequestTold(parts)) {
      const answered = { resource: entry.resource, bytes: body?.length ?? 0 };
      response.once('close', () => logRequest(exchange, response.req, response, answered, parts));
    }
    const headers = [...(body === undefined ? entry.headersOfKnown : entry.headers), 'x-request-id', exchange.id];
    if (exchange.counted !== undefined) headers.push(...exchange.counted.headers);
    response.writeHead(body === undefined ? 304 : 200, headers);
    response.end(body);
  };

  return {
    remember(url, exchange, headers, answer, body) {
      const { config, startedMs, asker } = exchange;
      const key = keyOf(url, config, headers);
      if (key.length > MAX_KEY_LENGTH || ABOUT_ASKER.test(url)) return;
      entries.set(key, { ...answer, config, needsToken: asker !== undefined, body, checkedMs: startedMs });
    },
    answer(request, response) {
      const { method, url = '', headers } = request;
      if (method !== 'GET' || isStopped || headers.host === undefined || !isItsTurn(response)) return false;
      const exchange = exchangeOf(request);
      const entry = entries.get(keyOf(url, exchange.config, headers));
      if (entry === undefined || entry.config !== exchange.config) return false;
      if (asksForElse(headers) || findAmbiguity(request, url) !== undefined) return false;
      if (!holds(entry, exchange) || !mayHave(entry, exchange, headers)) return false;
      const isKnown = matchesEtag(headers['if-none-match'], entry.etag);
      if (!isWithinLimits(entry, exchange, isKnown ? 0 : entry.body.length)) return false;
      write(entry, exchange, response, isKnown ? undefined : entry.body);
      return true;
    },
    stop() {
      isStopped = true;
      entries.clear();
    },
  };
}

/** As everything on the way that is for all requests would be counted. */
function count({ action, createdTs }: Entry, exchange: Exchange, counts: Counts): void {
  countBegin(exchange, action, 'GET', counts);
  counts.cacheLooked(true);
  counts.mediaRead((exchange.startedMs - createdTs) / 1000);
}

/** Whether it would be answered in the same way if it were opened now. */
function holds(entry: Entry, { startedMs }: Exchange): boolean {
  if (Math.abs(startedMs - entry.checkedMs) < TRUSTED_MS) return true;
  const body = entry.again()?.bytes;
  if (body === undefined) return false;
  entry.body = body;
  entry.checkedMs = startedMs;
  return true;
}

/** For something else than the whole. */
function asksForElse(headers: IncomingHttpHeaders): boolean {
  return (
    headers.range !== undefined ||
    headers['if-match'] !== undefined ||
    headers.expect !== undefined ||
    headers['content-length'] !== undefined ||
    headers['transfer-encoding'] !== undefined ||
    headers.upgrade !== undefined
  );
}

/** One who asks on without taking what comes is dealt with on the way for all requests. */
function isItsTurn({ socket }: ServerResponse): boolean {
  return socket !== null && socket.writableLength === 0;
}

/** All that an answer may depend on, beside who asks. */
function keyOf(url: string, config: Config, headers: IncomingHttpHeaders): string {
  return `${hostOf(config, headers)} ${headers.accept ?? ''} ${url}`;
}
