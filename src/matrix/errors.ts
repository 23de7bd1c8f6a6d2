import { shorten } from './shorten.ts';

/**
 * What a client may be told. Thrown where the fact is known; `http/errors.ts` makes the answer of it.
 * Specification: Client-Server API, "Standard error response" and "Common error codes".
 */
export abstract class MatrixError extends Error {
  abstract readonly errcode: string;
  /** HTTP status. */
  abstract readonly status: number;
  /** The finer code that matrix-media-repo sends as `mr_errcode`; operators' scripts read it. */
  abstract readonly mrErrcode: string;
  /** Keys that the specification wants beside `errcode` and `error`, such as `soft_logout`. */
  readonly extra: Readonly<Record<string, unknown>> = {};
  /** Sent as `Retry-After`, in whole seconds. */
  readonly retryAfterSeconds: number | undefined = undefined;
}

/** There is no such media, or the asker may not know that there is. */
export class NotFound extends MatrixError {
  readonly errcode = 'M_NOT_FOUND';
  readonly status = 404;
  readonly mrErrcode = 'M_NOT_FOUND';
  constructor(message = 'Not found', options?: ErrorOptions) {
    super(message, options);
  }
}

/** There is such media, and nobody may see it. Clients are told what they are told of media that is not there. */
export class Quarantined extends NotFound {}

/** Another server does not give its media to us. Clients are told what they are told of media that is not there. */
export class RefusedByRemote extends NotFound {}

/** No endpoint has this path. */
export class UnknownEndpoint extends MatrixError {
  readonly errcode = 'M_UNRECOGNIZED';
  readonly status = 404;
  readonly mrErrcode = 'M_NOT_FOUND';
  constructor() {
    super('There is no such endpoint');
  }
}

/** The endpoint exists, but not for this method. */
export class MethodNotAllowed extends MatrixError {
  readonly errcode = 'M_UNRECOGNIZED';
  readonly status = 405;
  readonly mrErrcode = 'M_METHOD_NOT_ALLOWED';
  /** @param allowed the methods that do exist, for the `Allow` header */
  readonly allowed: readonly string[];
  constructor(allowed: readonly string[]) {
    super(`This endpoint answers ${allowed.join(', ')} only`);
    this.allowed = allowed;
  }
}

export class MissingToken extends MatrixError {
  readonly errcode = 'M_MISSING_TOKEN';
  readonly status = 401;
  readonly mrErrcode = 'M_MISSING_TOKEN';
  constructor() {
    super('This endpoint needs an access token');
  }
}

export class UnknownToken extends MatrixError {
  readonly errcode = 'M_UNKNOWN_TOKEN';
  readonly status = 401;
  readonly mrErrcode = 'M_UNKNOWN_TOKEN';
  override readonly extra: Readonly<Record<string, unknown>>;
  /** @param softLogout as the homeserver said; clients that see `true` keep their encryption keys */
  constructor(softLogout?: boolean, options?: ErrorOptions) {
    super('The access token is not known', options);
    this.extra = softLogout === undefined ? {} : { soft_logout: softLogout };
  }
}

export class Forbidden extends MatrixError {
  readonly errcode = 'M_FORBIDDEN';
  readonly status = 403;
  readonly mrErrcode = 'M_FORBIDDEN';
}

export class GuestsForbidden extends MatrixError {
  readonly errcode = 'M_GUEST_ACCESS_FORBIDDEN';
  readonly status = 403;
  readonly mrErrcode = 'M_GUEST_ACCESS_FORBIDDEN';
  constructor() {
    super('Guests cannot use this endpoint');
  }
}

/** A homeserver's refusal that the client gets as it came: the code and the keys mean something to it. */
export class RefusedByHomeserver extends MatrixError {
  readonly errcode: string;
  readonly status: number;
  readonly mrErrcode: string;
  override readonly extra: Readonly<Record<string, unknown>>;
  override readonly retryAfterSeconds: number | undefined;
  constructor(
    refusal: {
      readonly status: number;
      readonly errcode: string;
      readonly message: string;
      readonly extra?: Readonly<Record<string, unknown>>;
      readonly retryAfterSeconds?: number | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(refusal.message, options);
    this.status = refusal.status;
    this.errcode = refusal.errcode;
    this.mrErrcode = refusal.errcode;
    this.extra = refusal.extra ?? {};
    this.retryAfterSeconds = refusal.retryAfterSeconds;
  }
}

/** A parameter, path segment or header has a value that it may not have. */
export class InvalidParam extends MatrixError {
  readonly errcode = 'M_INVALID_PARAM';
  readonly status = 400;
  readonly mrErrcode = 'M_BAD_REQUEST';
}

export class MissingParam extends MatrixError {
  readonly errcode = 'M_MISSING_PARAM';
  readonly status = 400;
  readonly mrErrcode = 'M_BAD_REQUEST';
}

/** The request makes no sense for this media, such as a thumbnail of a text. */
export class BadRequest extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 400;
  readonly mrErrcode = 'M_BAD_REQUEST';
}

/** A part of HTTP that is not needed for anything here. */
export class NotSupported extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status: 501 | 505;
  readonly mrErrcode = 'M_BAD_REQUEST';
  constructor(status: 501 | 505, message: string) {
    super(message);
    this.status = status;
  }
}

/** What the client knows of the media is not what it is. RFC 9110, section 15.5.13. */
export class PreconditionFailed extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 412;
  readonly mrErrcode = 'M_BAD_REQUEST';
  constructor() {
    super('The media is not the one that "If-Match" names');
  }
}

/** JSON that cannot be used: it is damaged, or holds what Matrix does not allow in it. */
export class BadJson extends MatrixError {
  readonly errcode = 'M_BAD_JSON';
  readonly status = 400;
  readonly mrErrcode = 'M_BAD_REQUEST';
}

/**
 * Another server has not shown who it is: there is no signature, or none that is good. Always 401, where MMR has 400
 * for all but a missing one. Specification: Server-Server API, "Request Authentication".
 */
export class Unauthorized extends MatrixError {
  readonly errcode = 'M_UNAUTHORIZED';
  readonly status = 401;
  readonly mrErrcode: 'M_MISSING_TOKEN' | 'M_BAD_REQUEST';

  constructor(kind: 'not signed' | 'badly signed', message: string, options?: ErrorOptions) {
    super(message, options);
    this.mrErrcode = kind === 'not signed' ? 'M_MISSING_TOKEN' : 'M_BAD_REQUEST';
  }
}

export class TooLarge extends MatrixError {
  readonly errcode = 'M_TOO_LARGE';
  readonly status = 413;
  readonly mrErrcode = 'M_MEDIA_TOO_LARGE';
}

/** Media of another server is larger than what is fetched. Specification: Client-Server API, "Download content", 502. */
export class RemoteTooLarge extends MatrixError {
  readonly errcode = 'M_TOO_LARGE';
  readonly status = 502;
  readonly mrErrcode = 'M_MEDIA_TOO_LARGE';
}

export class TooSmall extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 400;
  readonly mrErrcode = 'M_MEDIA_TOO_SMALL';
}

/** A `Range` that no byte of the media lies in. RFC 9110, section 15.5.17. */
export class RangeNotSatisfiable extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 416;
  readonly mrErrcode = 'M_BAD_REQUEST';
  readonly sizeBytes: number;
  constructor(sizeBytes: number) {
    super(`The range lies outside of the media's ${sizeBytes} bytes`);
    this.sizeBytes = sizeBytes;
  }
}

/** The request named a server that is not configured here. MMR answers 502, and proxies are set up for that. */
export class UnknownHost extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 502;
  readonly mrErrcode = 'M_UNKNOWN';
  constructor(options?: ErrorOptions) {
    super('This media repository does not serve the host of the request', options);
  }
}

/** The homeserver of this domain cannot be asked. Never a 401: that would log the user out. */
export class HomeserverUnavailable extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status: 502 | 503 | 504;
  readonly mrErrcode = 'M_UNKNOWN';
  override readonly retryAfterSeconds = 5;
  constructor(kind: 'bad answer' | 'unreachable' | 'timeout' | 'left alone', options?: ErrorOptions) {
    super(HOMESERVER_TROUBLE[kind].text, options);
    this.status = HOMESERVER_TROUBLE[kind].status;
  }
}

const HOMESERVER_TROUBLE = {
  'bad answer': { status: 502, text: 'The homeserver gave an answer that makes no sense' },
  unreachable: { status: 503, text: 'The homeserver cannot be reached; try again' },
  'left alone': { status: 503, text: 'The homeserver has been in trouble and is left alone for a moment; try again' },
  timeout: { status: 504, text: 'The homeserver did not answer in time; try again' },
} as const;

/** What keeps another server from being asked. */
export type RemoteTrouble = keyof typeof REMOTE_TROUBLE;

/** Another server cannot be asked. The cause, for the log, has the exact reason. */
export class RemoteUnavailable extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status: 502 | 503 | 504;
  readonly mrErrcode = 'M_UNKNOWN';
  readonly trouble: RemoteTrouble;
  override readonly retryAfterSeconds: number | undefined;
  /** @param retryAfterMs when it will be asked again, for one that is left alone */
  constructor(serverName: string, trouble: RemoteTrouble, options?: ErrorOptions, retryAfterMs?: number) {
    super(`The server ${shorten(serverName)} ${REMOTE_TROUBLE[trouble].text}`, options);
    this.trouble = trouble;
    this.status = REMOTE_TROUBLE[trouble].status;
    this.retryAfterSeconds = retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));
  }
}

const REMOTE_TROUBLE = {
  unreachable: { status: 502, text: 'cannot be reached' },
  /** Its addresses lie in networks that are not connected to. Not told apart: it would tell what names mean inside. */
  forbidden: { status: 502, text: 'cannot be reached' },
  'bad answer': { status: 502, text: 'gave an answer that makes no sense' },
  timeout: { status: 504, text: 'did not answer in time' },
  'left alone': { status: 503, text: 'has failed again and again, and is left alone for a moment' },
} as const;

/** A test of another server did not reach it. The answer tells what was tried. */
export class RemoteTestFailed extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 502;
  readonly mrErrcode = 'M_UNKNOWN';
  override readonly extra: Readonly<Record<string, unknown>>;
  constructor(serverName: string, told: Readonly<Record<string, unknown>>) {
    super(`The server ${shorten(serverName)} cannot be reached; "steps" tells what was tried and what to do`);
    this.extra = told;
  }
}

/** A part that the service stands on, such as the database, is away for now. */
export class Unavailable extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 503;
  readonly mrErrcode = 'M_UNKNOWN';
  override readonly retryAfterSeconds = 5;
}

/** Created for an asynchronous upload that has not come yet. */
export class NotYetUploaded extends MatrixError {
  readonly errcode = 'M_NOT_YET_UPLOADED';
  readonly status = 504;
  readonly mrErrcode = 'M_NOT_YET_UPLOADED';
  constructor() {
    super('The media has not been uploaded yet');
  }
}

/** The media ID has content, or is getting it at this moment. */
export class CannotOverwrite extends MatrixError {
  readonly errcode = 'M_CANNOT_OVERWRITE_MEDIA';
  readonly status = 409;
  readonly mrErrcode = 'M_CANNOT_OVERWRITE_MEDIA';
  constructor(options?: ErrorOptions) {
    super('This media has been uploaded already', options);
  }
}

/** The user may not keep more. */
export class QuotaExceeded extends MatrixError {
  readonly errcode = 'M_FORBIDDEN';
  readonly status = 403;
  readonly mrErrcode = 'M_QUOTA_EXCEEDED';
}

/** Media of this server is refused to all but the administrators. */
export class BlockedServer extends MatrixError {
  readonly errcode = 'M_NOT_FOUND';
  readonly status = 403;
  readonly mrErrcode = 'M_FORBIDDEN';
  constructor() {
    super('This media is blocked, or there is none');
  }
}

/** Too much at once. Specification: Client-Server API, "Rate limiting". */
export class LimitExceeded extends MatrixError {
  readonly errcode = 'M_LIMIT_EXCEEDED';
  readonly status = 429;
  readonly mrErrcode = 'M_LIMIT_EXCEEDED';
  override readonly extra: Readonly<Record<string, unknown>>;
  override readonly retryAfterSeconds: number;
  /** @param retryAfterMs when to try again; cut to a day */
  constructor(message: string, retryAfterMs: number) {
    super(message);
    const waitMs = Math.min(Math.max(1, Math.ceil(retryAfterMs)), 86_400_000);
    this.extra = { retry_after_ms: waitMs };
    this.retryAfterSeconds = Math.ceil(waitMs / 1000);
  }
}

/** The client sent nothing for too long. */
export class Stalled extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 408;
  readonly mrErrcode = 'M_UNKNOWN';
  constructor() {
    super('The upload came too slowly');
  }
}

/** The disk under the datastore is full. */
export class StorageFull extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 507;
  readonly mrErrcode = 'M_UNKNOWN';
  constructor(options?: ErrorOptions) {
    super('The server has no space left for this upload', options);
  }
}

/** Something of ours is broken; the log has the cause, the client learns nothing of the inside. */
export class InternalError extends MatrixError {
  readonly errcode = 'M_UNKNOWN';
  readonly status = 500;
  readonly mrErrcode = 'M_UNKNOWN';
  constructor(options?: ErrorOptions) {
    super('Internal error', options);
  }
}
