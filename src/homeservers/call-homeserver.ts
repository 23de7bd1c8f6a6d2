import { type Dispatcher, request } from 'undici';
import type { DomainConfig } from '../config/index.ts';
import { HomeserverUnavailable, UnknownToken } from '../matrix/index.ts';
import { describeTrouble, isBrokenConnection } from './describe-trouble.ts';

/** What must be known of a domain to ask its homeserver. */
export type HomeserverAccess = Pick<DomainConfig, 'serverName' | 'csApi' | 'backoffAt' | 'timeouts'>;

export interface HomeserverCall {
  /** Starts with a slash; with its query. */
  readonly path: string;
  /** `POST` has no body. Default: `GET`. */
  readonly method?: 'GET' | 'POST';
  /** `undefined`: asked as nobody. */
  readonly token: string | undefined;
  readonly clientAddress: string;
}

/** A JSON object, with a status below 500: a homeserver that works, though it may have refused. */
export interface HomeserverAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Homeservers have little to say about a token. */
const MAX_BODY_BYTES = 65_536;
/** No call waits longer, whatever is configured. matrix-media-repo has the same cap. */
const MAX_SECONDS = 60;
/** What a header can carry. No homeserver gives out tokens with anything else in them. */
const SENDABLE_TOKEN = /^[\x21-\x7e]+$/;

/**
 * Gets one answer. Every call to a homeserver goes through here, and {@link HomeserverUnavailable} is the one error that
 * tells of a homeserver in trouble. Redirects are not followed: they could carry the token elsewhere.
 * @throws {UnknownToken} without a call, when no header can carry the token
 * @throws the signal's reason when it aborts first
 */
export async function callHomeserver(
  dispatcher: Dispatcher,
  domain: HomeserverAccess,
  call: HomeserverCall,
  signal: AbortSignal,
): Promise<HomeserverAnswer> {
  signal.throwIfAborted();
  if (call.token !== undefined && !SENDABLE_TOKEN.test(call.token)) throw new UnknownToken();
  const timeout = AbortSignal.timeout(timeLimitMs(domain.timeouts.clientServerTimeoutSeconds));
  const url = urlOf(domain.csApi, call.path);
  try {
    return await readAnswer(await send(dispatcher, url, call, AbortSignal.any([signal, timeout])));
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new HomeserverUnavailable('timeout');
    throw describeTrouble(error);
  }
}

/** @param seconds 0 or less: the operator sets no limit, so it is the cap */
export function timeLimitMs(seconds: number): number {
  return (seconds > 0 ? Math.min(seconds, MAX_SECONDS) : MAX_SECONDS) * 1000;
}

/** @param csApi may have a path of its own, and end with slashes */
function urlOf(csApi: string, path: string): string {
  return csApi.replace(/\/+$/, '') + path;
}

async function send(dispatcher: Dispatcher, url: string, call: HomeserverCall, signal: AbortSignal) {
  const { method = 'GET', token, clientAddress } = call;
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    accept: 'application/json',
    'user-agent': 'vitrine',
    'x-forwarded-for': clientAddress,
    'x-real-ip': clientAddress,
  };
  const options = { dispatcher, method, headers, signal };
  try {
    return await request(url, options);
  } catch (error) {
    if (signal.aborted || !isBrokenConnection(error)) throw error;
    return await request(url, options); // once more: most likely it was closed while it lay idle
  }
}

async function readAnswer(response: Dispatcher.ResponseData): Promise<HomeserverAnswer> {
  const { statusCode: status, headers } = response;
  const body = parseObject(await readText(response.body));
  if (status < 500 && body !== undefined) return { status, headers, body };
  const cause = new Error(`The answer had status ${status}${body === undefined ? ' and no JSON object' : ''}`);
  throw new HomeserverUnavailable('bad answer', { cause });
}

/** Leaving the loop early closes the connection, so that a longer answer is not received. */
async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      const cause = new Error(`The answer was longer than ${MAX_BODY_BYTES} bytes`);
      throw new HomeserverUnavailable('bad answer', { cause });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // a SyntaxError, whose message quotes the text: not to be kept
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
