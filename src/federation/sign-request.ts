import { canonicalJson, type ServerName } from '../matrix/index.ts';
import { signText } from './sign-json.ts';
import type { SigningKey } from './signing-key.ts';
import { formatXMatrix } from './x-matrix-header.ts';

/** What the signature of a request covers. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as they are sent, beginning with `/_matrix/`. */
  readonly uri: string;
  /** The names before delegation, whatever hosts the request goes from and to. */
  readonly origin: ServerName;
  readonly destination: ServerName;
  /** The body as parsed JSON; `undefined`: there is none. */
  readonly content?: unknown;
}

/**
 * The value of `Authorization` for a request to another server.
 * Specification: Server-Server API, "Request Authentication". @throws {BadJson} when the content cannot be signed
 */
export function signRequest(request: SignedRequest, key: SigningKey): string {
  const signature = signText(textOfRequest(request), key);
  return formatXMatrix({ origin: request.origin, destination: request.destination, keyId: key.keyId, signature });
}

/** What is signed. */
export function textOfRequest({ method, uri, origin, destination, content }: SignedRequest): string {
  const request = { method, uri, origin, destination };
  return canonicalJson(content === undefined ? request : { ...request, content });
}
