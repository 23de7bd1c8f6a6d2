import { createHash } from 'node:crypto';
import { Client } from 'pg';

const DAY_MS = 86_400_000;

/** So many a user has, however many there are. */
const FILES_OF_A_USER = 50;
export const FILLED_FROM_TS = Date.now() - 1000 * DAY_MS;

/**
 * Fills a database of Vitrine as years do: half of the media is remote, every tenth shares its object with the one before, one
 * picture is everybody's (a thousandth of the rows), every second has a thumbnail; objects lie in `main`, a hundredth in `small`.
 */
export async function fillWithRows(url: string, rows: number): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(`SET synchronous_commit = off; SET maintenance_work_mem = '512MB'`);
    // Row by row the indexes and the trigger would take ten times as long.
    const { rows: indexes } = await client.query<{ indexname: string; indexdef: string }>(
      `SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('media', 'thumbnails', 'last_access')`,
    );
    for (const { indexname } of indexes) await client.query(`DROP INDEX ${indexname}`);
    await client.query('ALTER TABLE media DISABLE TRIGGER media_change_for_user');
    await client.query(FILL.replaceAll(':rows', String(rows)));
    for (const { indexdef } of indexes) await client.query(indexdef);
    await client.query('ALTER TABLE media ENABLE TRIGGER media_change_for_user');
    await client.query('INSERT INTO user_stats SELECT user_id, sum(size_bytes) FROM media GROUP BY user_id');
    for (const table of ['media', 'thumbnails', 'last_access', 'user_stats']) {
      await client.query(`VACUUM (ANALYZE) ${table}`);
    }
  } finally {
    await client.end();
  }
}

/** Of the media number `n`, from 1 on. */
export function mediaOf(n: number): { readonly origin: string; readonly media_id: string; readonly user_id: string } {
  const isLocal = n % 2 === 0;
  return {
    origin: isLocal ? 'example.org' : `server${n % 997}.example`,
    media_id: `id${n}`,
    user_id: isLocal ? `@user${Math.floor(n / 2 / FILES_OF_A_USER)}:example.org` : '',
  };
}

/** Of the content of media number `n`; 1000 is the picture that everybody has. */
export function hashOf(n: number): string {
  const object = n % 1000 === 0 ? 1000 : n % 10 === 0 ? n - 1 : n;
  return createHash('sha256').update(String(object)).digest('hex');
}

const FILL = `
  CREATE TEMP TABLE numbers AS
    SELECT n, CASE WHEN n % 1000 = 0 THEN 1000 WHEN n % 10 = 0 THEN n - 1 ELSE n END AS object
    FROM generate_series(1, :rows) AS n;
  INSERT INTO media (origin, media_id, upload_name, content_type, user_id, sha256_hash, size_bytes, location, creation_ts, datastore_id)
    SELECT CASE WHEN n % 2 = 0 THEN 'example.org' ELSE 'server' || n % 997 || '.example' END, 'id' || n, 'picture.jpg',
      'image/jpeg', CASE WHEN n % 2 = 0 THEN '@user' || n / 2 / ${FILES_OF_A_USER} || ':example.org' ELSE '' END,
      encode(sha256(object::text::bytea), 'hex'), 1000 + object::bigint * 7919 % 1000000,
      regexp_replace(md5(object::text), '^(..)(..)', '\\1/\\2/') || 'idv2fmt',
      ${FILLED_FROM_TS} + n * (${1000 * DAY_MS} / :rows::float)::bigint,
      CASE WHEN object % 100 = 0 THEN 'small' ELSE 'main' END
    FROM numbers;
  INSERT INTO thumbnails (origin, media_id, width, height, method, content_type, size_bytes, location, creation_ts, sha256_hash, datastore_id)
    SELECT origin, media_id, 320, 240, 'scale', 'image/jpeg', 20000,
      regexp_replace(md5('thumbnail ' || media_id), '^(..)(..)', '\\1/\\2/') || 'idv2fmt', creation_ts,
      encode(sha256(('thumbnail ' || media_id)::bytea), 'hex'), 'main'
    FROM media WHERE right(media_id, 1) IN ('0', '1', '2', '3', '4');
  INSERT INTO last_access (sha256_hash, last_access_ts) SELECT sha256_hash, max(creation_ts) FROM media GROUP BY sha256_hash;
  DROP TABLE numbers;`;
