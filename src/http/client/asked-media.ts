import { Type } from 'typebox';
import { type MxcUri, parseMediaId, parseServerName } from '../../matrix/index.ts';

/** The path parameters of everything that is about one piece of media; their parsers say what is wrong with them. */
export const mediaParams = Type.Object({ serverName: Type.String(), mediaId: Type.String() });

/** @throws {InvalidParam} before anything is looked up (MXC-11, SEC-1) */
export function askedMedia(params: { readonly serverName: string; readonly mediaId: string }): MxcUri {
  return { origin: parseServerName(params.serverName), mediaId: parseMediaId(params.mediaId) };
}
