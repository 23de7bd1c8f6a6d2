import { errors } from 'undici';
import { HomeserverUnavailable } from '../matrix/index.ts';

const BAD_ANSWERS = /^(HPE_|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/;
const TIMEOUTS = /^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/;
/** Ours, not the homeserver's. */
const MISTAKES = /^(UND_ERR_INVALID_ARG|ERR_INVALID_|ERR_ASSERTION)/;

/**
 * A failed connection in the words of this room. What is no such failure comes back as it is.
 * The cause has code and message only: the errors of undici can hold pieces of what the other side sent.
 */
export function describeTrouble(error: unknown): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined || MISTAKES.test(code)) return error;
  const cause = new Error(error.message === '' ? code : `${code}: ${error.message}`);
  return new HomeserverUnavailable(kindOf(code), { cause });
}

/** The connection broke before an answer came, as one does that the homeserver closes while it lies idle. */
export function isBrokenConnection(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '');
}

function kindOf(code: string): 'bad answer' | 'timeout' | 'unreachable' {
  if (BAD_ANSWERS.test(code)) return 'bad answer';
  return TIMEOUTS.test(code) ? 'timeout' : 'unreachable';
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof errors.HTTPParserError) return error.code ?? 'HPE_UNKNOWN';
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
