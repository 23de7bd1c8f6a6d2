import assert from 'node:assert/strict';
import test from 'node:test';
import { MMR_SCHEMA } from '../mmr/schema.ts';
import { usePostgres } from '../postgres.ts';
import { describeSchema, runSql } from './describe-schema.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();

/** As matrix-media-repo 1.3.7 leaves it, columns in physical order. */
const columns = {
  background_tasks: [
    "id integer not null default nextval('background_tasks_id_seq'::regclass)",
    'task text not null',
    'params json not null',
    'start_ts bigint not null',
    'end_ts bigint not null',
    "error text not null default ''::text",
  ],
  datastores: ['datastore_id text not null', 'ds_type text not null', 'uri text not null'],
  expiring_media: [
    'origin text not null',
    'media_id text not null',
    'user_id text not null',
    'expires_ts bigint not null',
  ],
  export_parts: [
    'export_id text not null',
    'index integer not null',
    'size_bytes bigint not null',
    'file_name text not null',
    'datastore_id text not null',
    'location text not null',
  ],
  exports: ['export_id text not null', 'entity text not null'],
  gomigrate: ["id integer not null default nextval('gomigrate_id_seq'::regclass)", 'migration_id bigint not null'],
  last_access: ['sha256_hash text not null', 'last_access_ts bigint not null'],
  media: [
    'origin text not null',
    'media_id text not null',
    'upload_name text not null',
    'content_type text not null',
    'user_id text not null',
    'sha256_hash text not null',
    'size_bytes bigint not null',
    'location text not null',
    'creation_ts bigint not null',
    'quarantined boolean not null default false',
    "datastore_id text not null default ''::text",
  ],
  media_attributes: ['origin text not null', 'media_id text not null', 'purpose text not null'],
  media_id_hold: [
    'origin text not null',
    'media_id text not null',
    'reason text not null',
    'held_ts bigint not null default 0',
  ],
  reserved_media: ['origin text not null', 'media_id text not null', 'reason text not null'],
  restricted_media: [
    'origin text not null',
    'media_id text not null',
    'condition_type text not null',
    'condition_value text not null',
  ],
  thumbnails: [
    'origin text not null',
    'media_id text not null',
    'width integer not null',
    'height integer not null',
    'method text not null',
    'content_type text not null',
    'size_bytes bigint not null',
    'location text not null',
    'creation_ts bigint not null',
    'animated boolean not null default false',
    'sha256_hash text not null',
    "datastore_id text not null default ''::text",
  ],
  url_previews: [
    'url text not null',
    'error_code text not null',
    'bucket_ts bigint not null',
    'site_url text not null',
    'site_name text not null',
    'resource_type text not null',
    'description text not null',
    'title text not null',
    'image_mxc text not null',
    'image_type text not null',
    'image_size bigint not null',
    'image_width integer not null',
    'image_height integer not null',
    'language_header text',
  ],
  user_stats: ['user_id text not null', 'uploaded_bytes bigint not null'],
};

/** What stands beside it. */
const ownColumns = {
  vitrine_blurhashes: ['origin text not null', 'media_id text not null', 'blurhash text not null'],
  vitrine_leases: ['name text not null', 'holder text not null', 'expires_ts bigint not null'],
  vitrine_processes: [
    'machine_id integer not null',
    'instance text not null',
    'host text not null',
    'pid bigint not null',
    'started text not null',
    'version text not null',
    'beats bigint not null',
    'beat_ts bigint not null',
  ],
  vitrine_schema: ['version integer not null'],
  vitrine_task_states: ['task_id bigint not null', 'progress text not null', 'is_cancelled boolean not null'],
  vitrine_thumbnail_variants: [
    'origin text not null',
    'media_id text not null',
    'width integer not null',
    'height integer not null',
    'method text not null',
    'content_type text not null',
    'size_bytes bigint not null',
    'location text not null',
    'creation_ts bigint not null',
    'sha256_hash text not null',
    'datastore_id text not null',
  ],
};

const indexes = [
  'UNIQUE background_tasks_pkey: background_tasks (id)',
  'UNIQUE datastores_index: datastores (datastore_id)',
  'UNIQUE export_parts_index: export_parts (export_id, index)',
  'UNIQUE exports_pkey: exports (export_id)',
  'UNIQUE gomigrate_migration_id_key: gomigrate (migration_id)',
  'UNIQUE gomigrate_pkey: gomigrate (id)',
  'UNIQUE idx_expiring_media: expiring_media (media_id, origin)',
  'UNIQUE idx_media_attributes: media_attributes (media_id, origin)',
  'UNIQUE idx_media_id_hold: media_id_hold (media_id, origin)',
  'UNIQUE idx_restricted_media: restricted_media (origin, media_id)',
  'UNIQUE last_access_index: last_access (sha256_hash)',
  'UNIQUE media_index: media (media_id, origin)',
  'UNIQUE reserved_media_index: reserved_media (media_id, origin)',
  'UNIQUE thumbnails_index: thumbnails (media_id, origin, width, height, method, animated)',
  'UNIQUE url_previews_index: url_previews (url, error_code, bucket_ts)',
  'UNIQUE user_stats_pkey: user_stats (user_id)',
  'UNIQUE vitrine_blurhashes_pkey: vitrine_blurhashes (origin, media_id)',
  'UNIQUE vitrine_leases_pkey: vitrine_leases (name)',
  'UNIQUE vitrine_processes_pkey: vitrine_processes (machine_id)',
  'UNIQUE vitrine_schema_pkey: vitrine_schema (version)',
  'UNIQUE vitrine_task_states_pkey: vitrine_task_states (task_id)',
  'UNIQUE vitrine_thumbnail_variants_pkey: vitrine_thumbnail_variants (origin, media_id, width, height, method, content_type)',
  'idx_creation_ts_thumbnails: thumbnails (creation_ts)',
  'idx_creation_ts_vitrine_thumbnail_variants: vitrine_thumbnail_variants (creation_ts)',
  'idx_datastore_id_location_media: media (datastore_id, location)',
  'idx_datastore_id_location_thumbnails: thumbnails (datastore_id, location)',
  'idx_datastore_id_location_vitrine_thumbnail_variants: vitrine_thumbnail_variants (datastore_id, location)',
  'idx_datastore_id_media: media (datastore_id)',
  'idx_datastore_id_thumbnails: thumbnails (datastore_id)',
  'idx_expiring_media_expires_ts: expiring_media (expires_ts)',
  'idx_expiring_media_user_id: expiring_media (user_id)',
  'idx_media_attributes_purpose: media_attributes (purpose)',
  'idx_origin_media: media (origin)',
  'idx_origin_thumbnails: thumbnails (origin)',
  'idx_origin_user_id_media: media (origin, user_id)',
  'idx_sha256_hash_media: media (sha256_hash)',
  'idx_sha256_hash_thumbnails: thumbnails (sha256_hash)',
  'idx_sha256_hash_vitrine_thumbnail_variants: vitrine_thumbnail_variants (sha256_hash)',
  'idx_user_id_media: media (user_id)',
  "vitrine_fetched_media: media (creation_ts, media_id, origin) WHERE (user_id = ''::text)",
  'vitrine_quarantined_media: media (sha256_hash) WHERE (quarantined = true)',
];

test('a new PostgreSQL database has exactly the schema of matrix-media-repo, and tables of our own beside it', {
  skip: postgres.skip,
}, async (t) => {
  const url = await postgres.createDatabase(t);
  await openForTest(t, { postgres: url });
  assert.deepEqual(await describeSchema(url), {
    columns: { ...columns, ...ownColumns },
    indexes,
    constraints: [
      'background_tasks_pkey: PRIMARY KEY (id)',
      'exports_pkey: PRIMARY KEY (export_id)',
      'gomigrate_migration_id_key: UNIQUE (migration_id)',
      'gomigrate_pkey: PRIMARY KEY (id)',
      'user_stats_pkey: PRIMARY KEY (user_id)',
      'vitrine_blurhashes_pkey: PRIMARY KEY (origin, media_id)',
      'vitrine_leases_pkey: PRIMARY KEY (name)',
      'vitrine_processes_pkey: PRIMARY KEY (machine_id)',
      'vitrine_schema_pkey: PRIMARY KEY (version)',
      'vitrine_task_states_pkey: PRIMARY KEY (task_id)',
      'vitrine_thumbnail_variants_pkey: PRIMARY KEY (origin, media_id, width, height, method, content_type)',
    ],
    triggers: [
      'CREATE TRIGGER media_change_for_user AFTER INSERT OR DELETE OR UPDATE ON public.media ' +
        'FOR EACH ROW EXECUTE FUNCTION track_update_user_media()',
    ],
    functions: ['track_update_user_media() returns trigger language plpgsql volatility v'],
    sequences: ['background_tasks_id_seq integer', 'gomigrate_id_seq integer'],
    migrations: Array.from({ length: 29 }, (_, index) => [index + 1, index + 1]),
  });
});

test('a database that matrix-media-repo has made gets tables of our own, and is otherwise as a new one', {
  skip: postgres.skip,
}, async (t) => {
  const [made, fresh] = [await postgres.createDatabase(t), await postgres.createDatabase(t)];
  await runSql(made, MMR_SCHEMA);
  await openForTest(t, { postgres: made });
  await openForTest(t, { postgres: fresh });
  assert.deepEqual(await describeSchema(made), await describeSchema(fresh));
});
