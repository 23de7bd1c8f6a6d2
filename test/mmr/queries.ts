import type { TestContext } from 'node:test';
import { Client } from 'pg';

/** What MMR asks and writes, by purpose: its columns by name, its conflict targets in its own order. */
const QUERIES = {
  distinctDatastores: 'SELECT DISTINCT datastore_id FROM media',
  isHashQuarantined: 'SELECT TRUE FROM media WHERE quarantined = TRUE AND sha256_hash = $1',
  mediaByHash: mediaWhere('sha256_hash = $1'),
  mediaById: mediaWhere('origin = $1 AND media_id = $2'),
  mediaByUser: mediaWhere('user_id = $1'),
  mediaByOriginAndUsers: mediaWhere('origin = $1 AND user_id = ANY($2::text[])'),
  mediaByLocation: mediaWhere('datastore_id = $1 AND location = $2'),
  countOfUser: 'SELECT COUNT(*) FROM media WHERE user_id = $1',
  insertMedia: `INSERT INTO media (origin, media_id, upload_name, content_type, user_id, sha256_hash, size_bytes,
    creation_ts, quarantined, datastore_id, location) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
  deleteMedia: 'DELETE FROM media WHERE origin = $1 AND media_id = $2',
  moveMedia: 'UPDATE media SET datastore_id = $3, location = $4 WHERE datastore_id = $1 AND location = $2',
  quarantine: `UPDATE media AS m SET quarantined = $2 WHERE sha256_hash = $1 AND quarantined <> $2 AND NOT EXISTS (
    SELECT 1 FROM media_attributes AS a WHERE a.origin = m.origin AND a.media_id = m.media_id AND a.purpose = 'pinned')`,
  thumbnail: thumbnailWhere(
    'origin = $1 AND media_id = $2 AND width = $3 AND height = $4 AND method = $5 AND animated = $6',
  ),
  thumbnailsOf: thumbnailWhere('origin = $1 AND media_id = $2'),
  thumbnailsAt: thumbnailWhere('datastore_id = $1 AND location = $2'),
  oldThumbnails: thumbnailWhere('sha256_hash IN (SELECT sha256_hash FROM thumbnails WHERE creation_ts < $1)'),
  insertThumbnail: `INSERT INTO thumbnails (origin, media_id, content_type, width, height, method, animated, sha256_hash,
    size_bytes, creation_ts, datastore_id, location) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
  touch: `INSERT INTO last_access (sha256_hash, last_access_ts) VALUES ($1, $2)
    ON CONFLICT (sha256_hash) DO UPDATE SET last_access_ts = $2`,
  uploadedBytes: 'SELECT uploaded_bytes FROM user_stats WHERE user_id = $1',
  insertExpiring: 'INSERT INTO expiring_media (origin, media_id, user_id, expires_ts) VALUES ($1, $2, $3, $4)',
  pendingOfUser: 'SELECT COUNT(*) FROM expiring_media WHERE user_id = $1 AND expires_ts >= $2',
  expiring: 'SELECT origin, media_id, user_id, expires_ts FROM expiring_media WHERE origin = $1 AND media_id = $2',
  hold: 'INSERT INTO media_id_hold (origin, media_id, reason, held_ts) VALUES ($1, $2, $3, $4)',
  isReserved: 'SELECT TRUE FROM reserved_media WHERE origin = $1 AND media_id = $2 LIMIT 1',
  reserve: `INSERT INTO reserved_media (origin, media_id, reason) VALUES ($1, $2, $3)
    ON CONFLICT (origin, media_id) DO NOTHING`,
  attributes: 'SELECT origin, media_id, purpose FROM media_attributes WHERE origin = $1 AND media_id = $2',
  setPurpose: `INSERT INTO media_attributes (origin, media_id, purpose) VALUES ($1, $2, $3)
    ON CONFLICT (origin, media_id) DO UPDATE SET purpose = $3`,
  restrictions:
    'SELECT origin, media_id, condition_type, condition_value FROM restricted_media WHERE origin = $1 AND media_id = $2',
  insertRestriction: `INSERT INTO restricted_media (origin, media_id, condition_type, condition_value)
    VALUES ($1, $2, $3, $4)`,
  preview: `SELECT url, error_code, bucket_ts, site_url, site_name, resource_type, description, title, image_mxc,
    image_type, image_size, image_width, image_height, language_header FROM url_previews
    WHERE url = $1 AND bucket_ts = $2 AND language_header = $3`,
  unfinishedTasks: 'SELECT id, task, params, start_ts, end_ts, error FROM background_tasks WHERE end_ts <= 0',
  insertTask: `INSERT INTO background_tasks (task, params, start_ts, end_ts) VALUES ($1, $2, $3, 0)
    RETURNING id, task, params, start_ts, end_ts, error`,
  entityOfExport: 'SELECT entity FROM exports WHERE export_id = $1',
  exportParts: `SELECT export_id, index, size_bytes, file_name, datastore_id, location FROM export_parts
    WHERE export_id = $1`,
  movable: `SELECT m.sha256_hash, m.size_bytes, m.datastore_id, m.location, m.creation_ts, a.last_access_ts, m.content_type
    FROM media AS m INNER JOIN last_access AS a ON a.sha256_hash = m.sha256_hash
    WHERE m.datastore_id = $1 AND a.last_access_ts < $2`,
  bytesOfServer: 'SELECT COALESCE(SUM(size_bytes), 0) AS bytes FROM media WHERE origin = $1',
} as const;

export type MmrQuery = keyof typeof QUERIES;
export type Ask = (
  query: MmrQuery,
  values?: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/**
 * Connects as MMR does at its start: every statement is prepared first, and MMR does not start when one cannot be. Disconnects
 * after the test.
 */
export async function startAsMmr(t: TestContext, url: string): Promise<Ask> {
  const client = new Client(url);
  client.on('error', () => undefined); // the database is dropped after the test
  await client.connect();
  t.after(() => client.end());
  for (const [name, text] of Object.entries(QUERIES)) await client.query(`PREPARE "${name}_at_start" AS ${text}`);
  return async (name, values = []) =>
    (await client.query<Record<string, unknown>>({ name, text: QUERIES[name], values: [...values] })).rows;
}

function mediaWhere(condition: string): string {
  return `SELECT origin, media_id, upload_name, content_type, user_id, sha256_hash, size_bytes, creation_ts, quarantined,
    datastore_id, location FROM media WHERE ${condition}`;
}

function thumbnailWhere(condition: string): string {
  return `SELECT origin, media_id, content_type, width, height, method, animated, sha256_hash, size_bytes, creation_ts,
    datastore_id, location FROM thumbnails WHERE ${condition}`;
}
