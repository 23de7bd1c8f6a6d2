import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Auth } from '../../auth/index.ts';
import type { Config } from '../../config/index.ts';
import { isServerAllowed } from '../../federation/index.ts';
import { BlockedServer, type MxcUri, parseMediaId, parseServerName } from '../../matrix/index.ts';
import type { MediaAsker } from '../../media/index.ts';
import { authenticated, optionallyAuthenticated } from '../authenticate.ts';
import { readFlag, readWaitMs } from '../query.ts';

/** The path parameters of everything that is about one piece of media; their parsers say what is wrong with them. */
export const mediaParams = Type.Object({ serverName: Type.String(), mediaId: Type.String() });

export interface AskedMedia {
  readonly uri: MxcUri;
  readonly asker: MediaAsker;
  /** The client copes with being sent elsewhere for the bytes. */
  readonly mayRedirect: boolean;
  /** Whether everybody who may ask may have it, not just an administrator. */
  readonly isForAll: boolean;
}

/** The two kinds of endpoints that serve media. */
export interface Access {
  readonly authenticate: (request: FastifyRequest) => Promise<void>;
  /** Whether the client copes with redirects, by its query. @throws {InvalidParam} */
  readonly mayRedirect: (request: FastifyRequest) => boolean;
  /** Whether another server may be asked for the media, by the query. @throws {InvalidParam} */
  readonly mayFetch: (request: FastifyRequest) => boolean;
}

/** Below `/_matrix/client/v1/media`: clients there cope with redirects, and there are no parameters about it (DL-5). */
export function accessWithToken(auth: Auth): Access {
  return { authenticate: authenticated(auth), mayRedirect: () => true, mayFetch: () => true };
}

/** Below `/_matrix/media`: tokens are optional (DL-4, DL-5, DL-10). */
export function openAccess(auth: Auth): Access {
  return {
    authenticate: optionallyAuthenticated(auth),
    mayRedirect: (request) => readFlag(request, 'allow_redirect') ?? false,
    mayFetch: (request) => readFlag(request, 'allow_remote') ?? true,
  };
}

/** @throws {InvalidParam} {@link BlockedServer} before anything is looked up (MXC-11, SEC-1) */
export function readAskedMedia(
  request: FastifyRequest,
  params: { readonly serverName: string; readonly mediaId: string },
  access: Access,
): AskedMedia {
  const uri = { origin: parseServerName(params.serverName), mediaId: parseMediaId(params.mediaId) };
  const mayRedirect = access.mayRedirect(request);
  const mayFetch = access.mayFetch(request);
  const waitMs = readWaitMs(request);
  const isForAll = !isIgnored(request.config, uri);
  if (!isForAll) refuseOthers(request);
  const { asker, identityTrouble } = request.exchange;
  const fetchFor = mayFetch ? { config: request.config, domain: request.domain } : undefined;
  return {
    uri,
    asker: { isAuthenticated: asker !== undefined, identityTrouble, waitMs, fetchFor },
    mayRedirect,
    isForAll,
  };
}

function isIgnored({ federation }: Config, { origin }: MxcUri): boolean {
  return !isServerAllowed(origin, { allow: [], deny: federation.ignoredHosts });
}

/** The holder of the shared secret is no administrator by name, so it is refused too. */
function refuseOthers({ exchange: { config, asker, identityTrouble } }: FastifyRequest): void {
  if (asker === undefined || !config.admins.includes(asker.userId)) throw identityTrouble ?? new BlockedServer();
}
