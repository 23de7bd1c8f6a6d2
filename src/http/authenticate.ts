import type { FastifyRequest } from 'fastify';
import { type Asker, type Auth, type Credentials, readToken, requireUser } from '../auth/index.ts';
import { HomeserverUnavailable, MatrixError, MissingToken } from '../matrix/index.ts';
import { queryOf, readText } from './query.ts';

/** For hooks: whoever comes without a valid token is refused before anything else is looked at (B-7). */
export function authenticated(auth: Auth): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const token = readToken(request.headers, queryOf(request));
    // The host is looked at first: a token means something to one homeserver only.
    const { domain } = request;
    if (token === undefined) throw new MissingToken();
    request.exchange.asker = await identify(auth, request, token, domain);
  };
}

/**
 * On the deprecated endpoints a valid token shows frozen media, as with MMR; any other token is as good as none (DL-10).
 * When nobody can tell whether it is valid, that is kept for those for whom it matters.
 */
export function optionallyAuthenticated(auth: Auth): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const token = readToken(request.headers, queryOf(request));
    const { domain } = request;
    if (token === undefined) return;
    try {
      request.exchange.asker = await identify(auth, request, token, domain);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      if (isPassing(error)) request.exchange.identityTrouble = error;
      request.log.debug({ err: error }, 'A token that was not needed could not be used');
    }
  };
}

/** Says nothing about the token: with the next request it may be valid. */
function isPassing(error: MatrixError): boolean {
  return error instanceof HomeserverUnavailable || error.errcode === 'M_LIMIT_EXCEEDED';
}

/** As {@link authenticated}, and refuses guests (ACC-7). */
export function authenticatedUser(auth: Auth): (request: FastifyRequest) => Promise<void> {
  const authenticate = authenticated(auth);
  return async (request) => {
    await authenticate(request);
    requireUser(askerOf(request));
  };
}

/** On endpoints behind one of the hooks above. */
export function askerOf(request: FastifyRequest): Asker {
  if (request.asker === undefined) throw new Error('This endpoint has no authentication in front of it');
  return request.asker;
}

async function identify(
  auth: Auth,
  request: FastifyRequest,
  token: string,
  domain: FastifyRequest['domain'],
): Promise<Asker> {
  return await auth.identify(credentialsOf(request, token), request.config, domain, request.signal);
}

/** What a request says of the one who sends it. */
export function credentialsOf(request: FastifyRequest, token: string): Credentials {
  return {
    token,
    userId: readText(request, 'user_id'),
    deviceId: readText(request, 'device_id'),
    clientAddress: request.clientAddress,
  };
}
