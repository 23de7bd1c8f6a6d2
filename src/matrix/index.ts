export { decodeBase64, encodeUnpaddedBase64 } from './base64.ts';
export { isBlurhash } from './blurhash.ts';
export { canonicalJson } from './canonical-json.ts';
export { essenceOf } from './content-type.ts';
export * from './errors.ts';
export { formatMxcUri, type MediaId, type MxcUri, parseMediaId } from './mxc-uri.ts';
export { findServerNameProblem, parseServerName, type ServerName, splitHostAndPort } from './server-name.ts';
export { shorten } from './shorten.ts';
export { matchesWildcard } from './wildcard.ts';
