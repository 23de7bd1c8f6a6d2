import type { Location } from '../datastore.ts';

/** Ends every object's name; MMR marks its second naming scheme with it. */
const NAME_SUFFIX = 'idv2fmt';

/** As MMR names objects. @param prefixLength so many characters become a folder; 0: none do */
export function objectKey(uniqueId: string, prefixLength: number): Location {
  const name = uniqueId + NAME_SUFFIX;
  return prefixLength === 0 ? name : `${name.slice(0, prefixLength)}/${name.slice(prefixLength)}`;
}

/** Becomes a header of the object: only what every service and every browser reads in one way. */
export function cleanType(contentType: string): string {
  return /^[\x20-\x7e]{1,255}$/.test(contentType) ? contentType : 'application/octet-stream';
}
