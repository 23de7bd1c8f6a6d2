import type { Migration } from './migration.ts';

/** What MMR 1.0 had. */
export const mmr10: readonly Migration[] = [
  {
    number: 1,
    does: 'media, thumbnails and URL previews',
    sql: `
      CREATE TABLE IF NOT EXISTS media (
        origin TEXT NOT NULL,
        media_id TEXT NOT NULL,
        upload_name TEXT NOT NULL,
        content_type TEXT NOT NULL,
        user_id TEXT NOT NULL,
        sha256_hash TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        location TEXT NOT NULL,
        creation_ts BIGINT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS media_index ON media (media_id, origin);

      CREATE TABLE IF NOT EXISTS thumbnails (
        origin TEXT NOT NULL,
        media_id TEXT NOT NULL,
        width INT NOT NULL,
        height INT NOT NULL,
        method TEXT NOT NULL,
        content_type TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        location TEXT NOT NULL,
        creation_ts BIGINT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS thumbnails_index ON thumbnails (media_id, origin, width, height, method);

      CREATE TABLE IF NOT EXISTS url_previews (
        url TEXT NOT NULL,
        error_code TEXT NOT NULL,
        bucket_ts BIGINT NOT NULL,
        site_url TEXT NOT NULL,
        site_name TEXT NOT NULL,
        resource_type TEXT NOT NULL,
        description TEXT NOT NULL,
        title TEXT NOT NULL,
        image_mxc TEXT NOT NULL,
        image_type TEXT NOT NULL,
        image_size BIGINT NOT NULL,
        image_width INT NOT NULL,
        image_height INT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS url_previews_index ON url_previews (url, error_code, bucket_ts);`,
  },
  {
    number: 2,
    does: 'animated thumbnails beside still ones',
    sql: `
      ALTER TABLE thumbnails ADD COLUMN animated BOOLEAN NOT NULL DEFAULT FALSE;
      DROP INDEX IF EXISTS thumbnails_index;
      CREATE UNIQUE INDEX IF NOT EXISTS thumbnails_index
        ON thumbnails (media_id, origin, width, height, method, animated);`,
  },
  {
    number: 3,
    does: 'quarantine',
    sql: 'ALTER TABLE media ADD COLUMN quarantined BOOLEAN NOT NULL DEFAULT FALSE;',
  },
  {
    number: 4,
    does: 'the hash of a thumbnail',
    sql: 'ALTER TABLE thumbnails ADD COLUMN sha256_hash TEXT;',
  },
  {
    number: 5,
    does: 'every thumbnail has a hash, an old one the empty text',
    sql: `
      UPDATE thumbnails SET sha256_hash = '' WHERE sha256_hash IS NULL;
      ALTER TABLE thumbnails ALTER COLUMN sha256_hash SET NOT NULL;`,
  },
  {
    number: 6,
    does: 'when content was last used',
    sql: `
      CREATE TABLE IF NOT EXISTS last_access (
        sha256_hash TEXT NOT NULL,
        last_access_ts BIGINT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS last_access_index ON last_access (sha256_hash);`,
  },
  {
    number: 7,
    does: 'more than one datastore',
    sql: `
      CREATE TABLE IF NOT EXISTS datastores (
        datastore_id TEXT NOT NULL,
        ds_type TEXT NOT NULL,
        uri TEXT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS datastores_index ON datastores (datastore_id);
      ALTER TABLE media ADD COLUMN datastore_id TEXT NOT NULL DEFAULT '';
      ALTER TABLE thumbnails ADD COLUMN datastore_id TEXT NOT NULL DEFAULT '';`,
  },
  {
    number: 8,
    does: 'look up by hash',
    sql: `
      CREATE INDEX IF NOT EXISTS idx_sha256_hash_media ON media (sha256_hash);
      CREATE INDEX IF NOT EXISTS idx_sha256_hash_thumbnails ON thumbnails (sha256_hash);`,
  },
  {
    number: 9,
    does: 'look up by server and by its users',
    sql: `
      CREATE INDEX IF NOT EXISTS idx_origin_media ON media (origin);
      CREATE INDEX IF NOT EXISTS idx_origin_thumbnails ON thumbnails (origin);
      CREATE INDEX IF NOT EXISTS idx_origin_user_id_media ON media (origin, user_id);`,
  },
  {
    number: 10,
    does: 'background tasks',
    sql: `
      CREATE TABLE IF NOT EXISTS background_tasks (
        id SERIAL PRIMARY KEY,
        task TEXT NOT NULL,
        params JSON NOT NULL,
        start_ts BIGINT NOT NULL,
        end_ts BIGINT NULL
      );`,
  },
  {
    number: 11,
    does: 'media IDs that are not given out again',
    sql: `
      CREATE TABLE IF NOT EXISTS reserved_media (
        origin TEXT NOT NULL,
        media_id TEXT NOT NULL,
        reason TEXT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS reserved_media_index ON reserved_media (media_id, origin);`,
  },
  {
    number: 12,
    does: 'look up by user',
    sql: 'CREATE INDEX IF NOT EXISTS idx_user_id_media ON media (user_id);',
  },
  {
    number: 13,
    does: 'exports and their parts',
    sql: `
      CREATE TABLE IF NOT EXISTS exports (
        export_id TEXT PRIMARY KEY NOT NULL,
        entity TEXT NOT NULL
      );
      CREATE TABLE IF NOT EXISTS export_parts (
        export_id TEXT NOT NULL,
        index INT NOT NULL,
        size_bytes BIGINT NOT NULL,
        file_name TEXT NOT NULL,
        datastore_id TEXT NOT NULL,
        location TEXT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS export_parts_index ON export_parts (export_id, index);`,
  },
];
