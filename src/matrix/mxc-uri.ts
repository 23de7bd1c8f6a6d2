import { InvalidParam } from './errors.ts';
import type { ServerName } from './server-name.ts';
import { shorten } from './shorten.ts';

/** Has passed {@link parseMediaId}: no separator, no control character, bounded in length. */
export type MediaId = string & { readonly brand: 'MediaId' };

/** Names one piece of media. Specification: Client-Server API, "Matrix Content (mxc://) URIs". */
export interface MxcUri {
  readonly origin: ServerName;
  readonly mediaId: MediaId;
}

const MAX_LENGTH = 255;

/**
 * The specification's alphabet is `A-Z a-z 0-9 _ -`. Imported and very old media have IDs with other characters
 * (`ipfs:…`, dots); those are found when stored, so only what could mean something to a path, a header or a log is
 * refused here.
 * @throws {InvalidParam} saying what is allowed.
 */
export function parseMediaId(text: string): MediaId {
  const isSafe = text.length <= MAX_LENGTH && /^[A-Za-z0-9_~:.=@+-]+$/.test(text) && !/^\.+$/.test(text);
  if (!isSafe) {
    throw new InvalidParam(
      `"${shorten(text)}" is not a media ID: up to ${MAX_LENGTH} characters of A-Z a-z 0-9 _ - are allowed`,
    );
  }
  return text as MediaId; // the only cast to this type
}

/** Also of a row's columns, which have been parsed before they were written. */
export function formatMxcUri(uri: { readonly origin: string; readonly mediaId: string }): string {
  return `mxc://${uri.origin}/${uri.mediaId}`;
}
