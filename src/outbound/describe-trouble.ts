import { errors } from 'undici';
import { OutboundError, type OutboundTrouble } from './errors.ts';

const PROTOCOL = /^(HPE_|UND_ERR_HEADERS_OVERFLOW$)/;
const TIMEOUTS = /^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/;
const BROKEN = /^(UND_ERR_(SOCKET|INFO|RES_CONTENT_LENGTH_MISMATCH|CLOSED|DESTROYED)|ECONNRESET|ECONNABORTED|EPIPE)$/;
/** How undici tells of an interim answer that it did not ask for. */
const BAD_INTERIM = /^bad (response|upgrade)$/;

/** What went wrong after the connection stood; what is no failure of the network comes back as it is. */
export function describeExchangeError(error: unknown, place: string): unknown {
  const code = codeOf(error);
  if (error instanceof OutboundError || !(error instanceof Error) || code === undefined) return error;
  const trouble = exchangeTroubleOf(code, error.message);
  return trouble === undefined ? error : new OutboundError(trouble, `${place}: ${code}`);
}

/** What went wrong before the connection stood. */
export function describeSocketError(error: Error, place: string): OutboundError {
  const code = codeOf(error) ?? error.message;
  return new OutboundError(connectTroubleOf(code), `${place}: ${code}`);
}

/** What went wrong between the connection and the first byte of HTTP. The message of a wrong name quotes the certificate. */
export function describeTlsError(error: Error, place: string): OutboundError {
  const code = codeOf(error) ?? 'TLS failed';
  const trouble = BROKEN.test(code) ? 'broken off' : TIMEOUTS.test(code) ? 'timeout' : 'tls';
  return new OutboundError(trouble, `${place}: ${code}`);
}

function connectTroubleOf(code: string): OutboundTrouble {
  if (code === 'ECONNREFUSED') return 'refused';
  if (TIMEOUTS.test(code)) return 'timeout';
  return BROKEN.test(code) ? 'broken off' : 'unreachable';
}

/** The codes of others are of our own mistakes, such as `UND_ERR_INVALID_ARG`. */
function exchangeTroubleOf(code: string, message: string): OutboundTrouble | undefined {
  if (PROTOCOL.test(code) || (code === 'UND_ERR_SOCKET' && BAD_INTERIM.test(message))) return 'protocol';
  if (TIMEOUTS.test(code)) return 'timeout';
  if (BROKEN.test(code)) return 'broken off';
  return /^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code) ? 'tls' : undefined;
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof errors.HTTPParserError) return error.code ?? 'HPE_UNKNOWN';
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
