import { InternalError, MatrixError, StorageFull, Unavailable } from '../../matrix/index.ts';

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const FULL = new Set([
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
  'InsufficientStorage',
  'EntityTooLarge',
]);

/** Which trouble the service tells of; empty when it did not answer. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  return (error.$metadata as { readonly httpStatusCode?: number } | undefined)?.httpStatusCode; // as the SDK has it
}

/** The bucket has been asked, and has no such object. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(codeOf(error));
}

/**
 * The same trouble in the words of a datastore, and without what the service or its client have put beside them: the
 * answer to a request that is not signed well repeats keys, tokens and all that was signed.
 */
export function asDatastoreError(error: unknown, action: string, secrets: readonly string[]): unknown {
  if (error instanceof MatrixError) return error;
  const cause = describe(error, action, secrets);
  if (FULL.has(codeOf(error)) || statusOf(error) === 507) return new StorageFull({ cause });
  return new Unavailable('The media cannot be reached at the moment', { cause });
}

function describe(error: unknown, action: string, secrets: readonly string[]): Error {
  const status = statusOf(error);
  const text =
    error instanceof Error ? `${error.name}: ${error.message || codeInside(error)}` : 'a failure without words';
  const clean = secrets
    .filter((secret) => secret !== '')
    .reduce((left, secret) => left.replaceAll(secret, '***'), text);
  return new Error(`S3 could not ${action}: ${clean}${status === undefined ? '' : ` (status ${status})`}`);
}

/** Of several addresses that were tried Node tells the codes only. */
function codeInside(error: Error): string {
  return 'code' in error ? String(error.code) : 'no more is known';
}

/** An object that the database knows and the bucket does not have, or not like that. */
export function lostObject(datastoreId: string, location: string, found: string, sizeBytes: number): InternalError {
  return new InternalError({
    cause: new Error(`Object ${location} of datastore "${datastoreId}" ${found}; ${sizeBytes} bytes are due`),
  });
}
