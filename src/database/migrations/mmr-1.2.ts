import type { Migration } from './migration.ts';

/** What MMR 1.1 and 1.2 added. */
export const mmr12: readonly Migration[] = [
  {
    number: 14,
    does: 'blurhashes, which 27 drops',
    sql: `
      CREATE TABLE IF NOT EXISTS blurhashes (
        sha256_hash TEXT PRIMARY KEY NOT NULL,
        blurhash TEXT NOT NULL
      );`,
  },
  {
    number: 15,
    does: 'the language of a URL preview',
    sql: 'ALTER TABLE url_previews ADD COLUMN language_header TEXT NULL DEFAULT NULL;',
  },
  {
    number: 16,
    does: 'attributes of media',
    sql: `
      CREATE TABLE IF NOT EXISTS media_attributes (
        origin TEXT NOT NULL,
        media_id TEXT NOT NULL,
        purpose TEXT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS idx_media_attributes ON media_attributes (media_id, origin);
      CREATE INDEX IF NOT EXISTS idx_media_attributes_purpose ON media_attributes (purpose);`,
  },
  {
    number: 17,
    does: 'bytes uploaded by each user, kept by a trigger',
    sql: `
      CREATE TABLE IF NOT EXISTS user_stats (
        user_id TEXT PRIMARY KEY NOT NULL,
        uploaded_bytes BIGINT NOT NULL
      );

      CREATE OR REPLACE FUNCTION track_update_user_media() RETURNS TRIGGER LANGUAGE plpgsql AS $function$
      BEGIN
        IF TG_OP = 'INSERT' THEN
          INSERT INTO user_stats (user_id, uploaded_bytes) VALUES (NEW.user_id, NEW.size_bytes)
            ON CONFLICT (user_id) DO UPDATE SET uploaded_bytes = user_stats.uploaded_bytes + EXCLUDED.uploaded_bytes;
          RETURN NEW;
        END IF;
        IF TG_OP = 'DELETE' THEN
          UPDATE user_stats SET uploaded_bytes = uploaded_bytes - OLD.size_bytes WHERE user_id = OLD.user_id;
          RETURN OLD;
        END IF;
        INSERT INTO user_stats (user_id, uploaded_bytes) VALUES (NEW.user_id, 0) ON CONFLICT (user_id) DO NOTHING;
        INSERT INTO user_stats (user_id, uploaded_bytes) VALUES (OLD.user_id, 0) ON CONFLICT (user_id) DO NOTHING;
        IF NEW.user_id <> OLD.user_id THEN
          UPDATE user_stats SET uploaded_bytes = uploaded_bytes - OLD.size_bytes WHERE user_id = OLD.user_id;
          UPDATE user_stats SET uploaded_bytes = uploaded_bytes + NEW.size_bytes WHERE user_id = NEW.user_id;
        ELSIF NEW.size_bytes <> OLD.size_bytes THEN
          UPDATE user_stats SET uploaded_bytes = uploaded_bytes + NEW.size_bytes - OLD.size_bytes
            WHERE user_id = NEW.user_id;
        END IF;
        RETURN NEW;
      END;
      $function$;

      CREATE TRIGGER media_change_for_user AFTER INSERT OR UPDATE OR DELETE ON media
        FOR EACH ROW EXECUTE FUNCTION track_update_user_media();`,
  },
  {
    number: 18,
    does: 'count what was uploaded before 17',
    sql: `
      INSERT INTO user_stats (user_id, uploaded_bytes)
        SELECT user_id, SUM(size_bytes) FROM media
        WHERE NOT EXISTS (SELECT 1 FROM user_stats)
        GROUP BY user_id;`,
  },
];
