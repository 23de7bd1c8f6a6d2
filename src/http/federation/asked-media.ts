import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type MxcUri, parseMediaId, parseServerName } from '../../matrix/index.ts';
import type { MediaAsker } from '../../media/index.ts';
import { readWaitMs } from '../query.ts';

export const mediaParams = Type.Object({ mediaId: Type.String() });

/**
 * Media of the asked domain, never of another one that is kept here (FED-1, FED-10). Servers have shown who they are, so
 * they get frozen media (FZ-9). @throws {InvalidParam}
 */
export function readAskedMedia(
  request: FastifyRequest,
  mediaId: string,
): { readonly uri: MxcUri; readonly asker: MediaAsker } {
  const uri = { origin: parseServerName(request.domain.serverName), mediaId: parseMediaId(mediaId) };
  return { uri, asker: { isAuthenticated: true, waitMs: readWaitMs(request) } };
}
