import type { KeyObject } from 'node:crypto';
import { type ServerName, Unauthorized } from '../matrix/index.ts';
import type { KeyId } from './key-id.ts';
import { isGoodSignature } from './sign-json.ts';
import { textOfRequest } from './sign-request.ts';
import { parseXMatrix, type XMatrix } from './x-matrix-header.ts';

/** A request of another server, as it came. */
export interface ReceivedRequest {
  readonly method: string;
  /** The target of the request line, not decoded and encoded again. */
  readonly uri: string;
  /** Every `Authorization` header; `headersDistinct` has them, while `headers` has the first one only. */
  readonly authorization: readonly string[];
  /**
   * Which of our servers the `Host` header means, if any. It counts for those who do not send a destination; the others
   * may have been led here by a delegation, under another name.
   */
  readonly host: ServerName | undefined;
  /** The body as parsed JSON; `undefined`: there is none. */
  readonly content?: unknown;
}

export interface VerifiedRequest {
  /** Who asks. */
  readonly origin: ServerName;
  /** Which of our servers is asked; not always the one that the `Host` header means. */
  readonly destination: ServerName;
}

export interface RequestVerifierParts {
  /** A key with which the server may sign requests now; `undefined` when there is none, or none could be fetched. */
  readonly findKey: (serverName: ServerName, keyId: KeyId, signal: AbortSignal) => Promise<KeyObject | undefined>;
  /** Whether we answer for this server. */
  readonly isOwn: (serverName: ServerName) => boolean;
}

/**
 * Finds out who sent the request. One good signature is enough: a server may add one by a key that is not known here yet.
 * Specification: Server-Server API, "Request Authentication". @throws {Unauthorized}
 */
export type VerifyRequest = (request: ReceivedRequest, signal: AbortSignal) => Promise<VerifiedRequest>;

/** More keys at once than any server has; each costs a verification. */
const MAX_SIGNATURES = 8;

export function createRequestVerifier({ findKey, isOwn }: RequestVerifierParts): VerifyRequest {
  return async (request, signal) => {
    const [first, ...others] = readSignatures(request.authorization);
    const { origin } = first;
    const destination = first.destination ?? request.host;
    // Before the keys: what is not for us does not make us call anybody.
    if (destination === undefined) throw badlySigned('The request names no destination, and its host is none of ours');
    if (!isOwn(destination)) throw badlySigned('The request is signed for another server');
    if (origin === destination) throw badlySigned('The request is signed in the name of the server that it is for');
    const texts = targetsOf(request.uri).map((uri) => textOfRequest({ ...request, uri, origin, destination }));
    let keysFound = 0;
    for (const { keyId, signature } of [first, ...others]) {
      const key = await findKey(origin, keyId, signal);
      if (key === undefined) continue;
      if (texts.some((text) => isGoodSignature(text, signature, key))) return { origin, destination };
      keysFound += 1;
    }
    throw badlySigned(
      keysFound === 0
        ? `No key of ${origin} with this key ID could be found that may sign requests now`
        : 'The signature does not fit the request',
    );
  };
}

/** Those that can be checked; all by the same server, for the same one. */
function readSignatures(authorization: readonly string[]): readonly [XMatrix, ...XMatrix[]] {
  const [first, ...others] = authorization.map(parseXMatrix).filter((parsed) => parsed !== undefined);
  if (first === undefined) {
    throw new Unauthorized('not signed', 'This endpoint needs an X-Matrix authorization with an Ed25519 signature');
  }
  if (others.length >= MAX_SIGNATURES) throw badlySigned(`The request has more than ${MAX_SIGNATURES} signatures`);
  if (others.some(({ origin, destination }) => origin !== first.origin || destination !== first.destination)) {
    throw badlySigned('The signatures of the request name different servers');
  }
  return [first, ...others];
}

/** Some send the `?` of an empty query, and sign without it. */
function targetsOf(uri: string): readonly string[] {
  return uri.endsWith('?') ? [uri, uri.slice(0, -1)] : [uri];
}

function badlySigned(message: string): Unauthorized {
  return new Unauthorized('badly signed', message);
}
