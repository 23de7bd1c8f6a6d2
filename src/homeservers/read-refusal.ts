import { HomeserverUnavailable, RefusedByHomeserver, UnknownToken } from '../matrix/index.ts';
import type { HomeserverAnswer } from './call-homeserver.ts';

const MAX_TEXT_LENGTH = 300;
const ERRCODE = /^[A-Za-z0-9_.-]{1,100}$/;

/** Keys that the specification puts beside `errcode` and `error`, and what they hold. */
const KNOWN_EXTRAS = {
  soft_logout: isBoolean,
  retry_after_ms: isDelay,
  limit_type: isShortText,
  admin_contact: isShortText,
  consent_uri: isShortText,
  info_uri: isShortText,
  can_upgrade: isBoolean,
} as const;

/**
 * The error for the client: the homeserver's code means something to it, and so does `soft_logout`, without which clients
 * throw away their encryption keys. Nothing else of the answer gets through.
 * Specification: Client-Server API, "Client Authentication", "Account locking", "Rate limiting".
 * @param token is taken out of the text, should the homeserver repeat it
 */
export function readRefusal(answer: HomeserverAnswer, token: string): Error {
  const { status, body } = answer;
  const errcode = body['errcode'];
  if (typeof errcode !== 'string' || !ERRCODE.test(errcode) || !isAboutTheAsker(status)) {
    const cause = new Error(
      `The answer had status ${status} and ${errcode === undefined ? 'no' : 'an unusable'} errcode`,
    );
    return new HomeserverUnavailable('bad answer', { cause });
  }
  if (errcode === 'M_UNKNOWN_TOKEN')
    return new UnknownToken(isBoolean(body['soft_logout']) ? body['soft_logout'] : undefined);
  return new RefusedByHomeserver({
    status,
    errcode,
    message: readText(body['error'], token),
    extra: readExtras(body),
    retryAfterSeconds: readRetryAfter(answer),
  });
}

/**
 * A redirect or "no such endpoint" tells that `csApi` points to the wrong place. Passed on, it would look as if there was
 * no such media.
 */
function isAboutTheAsker(status: number): boolean {
  return status >= 400 && status < 500 && status !== 404 && status !== 405;
}

function readText(error: unknown, token: string): string {
  if (typeof error !== 'string' || error === '') return 'The homeserver refused the request';
  const text = error.replaceAll(token, '…').replaceAll(/\p{Cc}+/gu, ' ');
  return text.slice(0, MAX_TEXT_LENGTH).toWellFormed();
}

function readExtras(body: HomeserverAnswer['body']): Record<string, unknown> {
  const known = Object.entries(KNOWN_EXTRAS).filter(([key, isRight]) => isRight(body[key]));
  return Object.fromEntries(known.map(([key]) => [key, body[key]]));
}

/** In seconds, from the header or, before version 1.10 of the specification, from the body. RFC 9110, section 10.2.3. */
function readRetryAfter({ headers, body }: HomeserverAnswer): number | undefined {
  const header = String(headers['retry-after'] ?? '').trim();
  if (/^\d{1,9}$/.test(header)) return Math.max(1, Number(header));
  const untilMs = !header.endsWith('GMT') ? 0 : Date.parse(header) - Date.parse(String(headers['date'] ?? ''));
  if (untilMs > 0) return Math.ceil(untilMs / 1000);
  const delayMs = body['retry_after_ms'];
  return isDelay(delayMs) ? Math.max(1, Math.ceil(delayMs / 1000)) : undefined;
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isDelay(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH;
}
