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
];
