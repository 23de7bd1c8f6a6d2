/**
 * What Vitrine keeps beside matrix-media-repo's tables, in tables that the other program never looks at. Each version is
 * SQL that both engines understand; the table `vitrine_schema` remembers which have been applied.
 */
export const vitrineVersions: readonly string[] = [
  `CREATE TABLE vitrine_blurhashes (
    origin TEXT NOT NULL,
    media_id TEXT NOT NULL,
    blurhash TEXT NOT NULL,
    PRIMARY KEY (origin, media_id)
  );`,
  `CREATE TABLE vitrine_thumbnail_variants (
    origin TEXT NOT NULL,
    media_id TEXT NOT NULL,
    width INT NOT NULL,
    height INT NOT NULL,
    method TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    location TEXT NOT NULL,
    creation_ts BIGINT NOT NULL,
    sha256_hash TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    PRIMARY KEY (origin, media_id, width, height, method, content_type)
  );
  CREATE INDEX idx_sha256_hash_vitrine_thumbnail_variants ON vitrine_thumbnail_variants (sha256_hash);
  CREATE INDEX idx_creation_ts_vitrine_thumbnail_variants ON vitrine_thumbnail_variants (creation_ts);
  CREATE INDEX idx_datastore_id_location_vitrine_thumbnail_variants
    ON vitrine_thumbnail_variants (datastore_id, location);`,
  `CREATE TABLE vitrine_processes (
    machine_id INTEGER NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    started TEXT NOT NULL,
    version TEXT NOT NULL,
    beats BIGINT NOT NULL,
    beat_ts BIGINT NOT NULL
  );`,
  `CREATE TABLE vitrine_task_states (
    task_id BIGINT NOT NULL PRIMARY KEY,
    progress TEXT NOT NULL,
    is_cancelled BOOLEAN NOT NULL
  );
  CREATE TABLE vitrine_leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_ts BIGINT NOT NULL
  );`,
  // Both stand on a table of MMR, which does not mind. Retention looks for old media of other servers each hour, of millions; and each
  // upload asks whether its content is quarantined, also of a picture that thousands have.
  `CREATE INDEX IF NOT EXISTS vitrine_fetched_media ON media (creation_ts, media_id, origin) WHERE user_id = '';
  CREATE INDEX IF NOT EXISTS vitrine_quarantined_media ON media (sha256_hash) WHERE quarantined = true;`,
];
