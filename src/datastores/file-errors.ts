import { StorageFull, Unavailable } from '../matrix/index.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const AWAY = new Set(['EIO', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'ESTALE', 'EMFILE', 'ENFILE', 'ENODEV', 'ENXIO']);

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The same trouble in the words of a datastore; what is no trouble of the disk comes back as it is. */
export function asDatastoreError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (FULL.has(code)) return new StorageFull({ cause: error });
  if (AWAY.has(code)) return new Unavailable('The media cannot be reached at the moment', { cause: error });
  return error;
}
