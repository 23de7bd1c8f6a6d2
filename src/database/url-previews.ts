import type { CompilableQuery } from './database.ts';
import type { Db, UrlPreviewRow } from './tables.ts';

/** What previews are remembered by. */
export interface UrlPreviewKey {
  readonly url: string;
  /** A whole hour. */
  readonly bucketTs: number;
  readonly language: string;
}

/** In PostgreSQL an entry of an index has a limit; compressed, this stays below it. */
const MAX_URL_BYTES = 2_000;

/**
 * The preview of that hour in that language, else that there was none, which is the same in all languages. Failures that may
 * have been passing are left out.
 */
export async function findUrlPreview(
  db: Db,
  { url, bucketTs, language }: UrlPreviewKey,
): Promise<UrlPreviewRow | undefined> {
  const rows = await db
    .selectFrom('url_previews')
    .selectAll()
    .where('url', '=', url)
    .where('bucket_ts', '=', bucketTs)
    .where('error_code', 'in', ['', 'M_NOT_FOUND'])
    .execute();
  const preview = rows.find(({ error_code, language_header }) => error_code === '' && language_header === language);
  return preview ?? (rows.some(({ error_code }) => error_code === '') ? undefined : rows[0]);
}

/**
 * The table has room for one preview of a URL in an hour; of several languages the first one stays.
 * @returns `undefined` for what does not fit in
 */
export function insertUrlPreview(db: Db, row: UrlPreviewRow): CompilableQuery | undefined {
  if (Buffer.byteLength(row.url) > MAX_URL_BYTES) return undefined;
  return db
    .insertInto('url_previews')
    .values(row)
    .onConflict((conflict) => conflict.columns(['url', 'error_code', 'bucket_ts']).doNothing());
}
