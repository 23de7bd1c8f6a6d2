import type { Migration } from './migration.ts';

const EXPIRING_MEDIA = `
  CREATE TABLE IF NOT EXISTS expiring_media (
    origin TEXT NOT NULL,
    media_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    expires_ts BIGINT NOT NULL
  );
  CREATE UNIQUE INDEX IF NOT EXISTS idx_expiring_media ON expiring_media (media_id, origin);
  CREATE INDEX IF NOT EXISTS idx_expiring_media_user_id ON expiring_media (user_id);
  CREATE INDEX IF NOT EXISTS idx_expiring_media_expires_ts ON expiring_media (expires_ts);`;

/** What MMR 1.3 added. */
export const mmr13: readonly Migration[] = [
  { number: 19, does: 'media IDs that wait for their upload', sql: EXPIRING_MEDIA },
  {
    number: 20,
    does: 'media IDs that were given out',
    sql: `
      CREATE TABLE IF NOT EXISTS media_id_hold (
        origin TEXT NOT NULL,
        media_id TEXT NOT NULL,
        reason TEXT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS idx_media_id_hold ON media_id_hold (media_id, origin);`,
  },
  {
    number: 21,
    does: 'an unfinished task ends at 0 instead of NULL',
    sql: `
      UPDATE background_tasks SET end_ts = 0 WHERE end_ts IS NULL;
      ALTER TABLE background_tasks ALTER COLUMN end_ts SET NOT NULL;`,
  },
  {
    number: 22,
    does: 'look up thumbnails by age',
    sql: 'CREATE INDEX IF NOT EXISTS idx_creation_ts_thumbnails ON thumbnails (creation_ts);',
  },
  {
    number: 23,
    does: 'look up by the place of the object',
    sql: `
      CREATE INDEX IF NOT EXISTS idx_datastore_id_location_media ON media (datastore_id, location);
      CREATE INDEX IF NOT EXISTS idx_datastore_id_location_thumbnails ON thumbnails (datastore_id, location);`,
  },
  {
    number: 24,
    does: 'when a media ID was given out',
    sql: 'ALTER TABLE media_id_hold ADD COLUMN held_ts BIGINT NOT NULL DEFAULT 0;',
  },
  { number: 25, does: '19 again: its number had once stood for something else', sql: EXPIRING_MEDIA },
  {
    number: 26,
    does: 'look up by datastore',
    sql: `
      CREATE INDEX IF NOT EXISTS idx_datastore_id_media ON media (datastore_id);
      CREATE INDEX IF NOT EXISTS idx_datastore_id_thumbnails ON thumbnails (datastore_id);`,
  },
  { number: 27, does: 'no blurhashes any more', sql: 'DROP TABLE IF EXISTS blurhashes;' },
  {
    number: 28,
    does: 'why a task failed',
    sql: `ALTER TABLE background_tasks ADD COLUMN error TEXT NOT NULL DEFAULT '';`,
  },
  {
    number: 29,
    does: 'media for logged-in askers only',
    sql: `
      CREATE TABLE IF NOT EXISTS restricted_media (
        origin TEXT NOT NULL,
        media_id TEXT NOT NULL,
        condition_type TEXT NOT NULL,
        condition_value TEXT NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS idx_restricted_media ON restricted_media (origin, media_id);`,
  },
];
