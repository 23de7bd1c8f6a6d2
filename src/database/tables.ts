import type { ColumnType, Generated, Insertable, Kysely, Selectable } from 'kysely';

/**
 * The tables as the queries see them, in both engines: a column that is a `boolean` here is one on SQLite too, and
 * what PostgreSQL keeps as BIGINT is a number. Every `…_ts` is in milliseconds since 1970; 0 says "not yet" or
 * "unknown".
 */
export interface Tables {
  media: MediaTable;
  thumbnails: ThumbnailsTable;
  url_previews: UrlPreviewsTable;
  background_tasks: BackgroundTasksTable;
  last_access: LastAccessTable;
  reserved_media: ReservedMediaTable;
  media_id_hold: MediaIdHoldTable;
  expiring_media: ExpiringMediaTable;
  media_attributes: MediaAttributesTable;
  restricted_media: RestrictedMediaTable;
  user_stats: UserStatsTable;
  exports: ExportsTable;
  export_parts: ExportPartsTable;
  datastores: DatastoresTable;
  vitrine_blurhashes: BlurhashesTable;
  vitrine_thumbnail_variants: ThumbnailVariantsTable;
  vitrine_processes: ProcessesTable;
  vitrine_task_states: TaskStatesTable;
  vitrine_leases: LeasesTable;
}

export type Db = Kysely<Tables>;
export type MediaRow = Readonly<Selectable<MediaTable>>;
export type NewMediaRow = Readonly<Insertable<MediaTable>>;
export type ReservationRow = Readonly<Selectable<ExpiringMediaTable>>;
export type ThumbnailRow = Readonly<Selectable<ThumbnailsTable>>;
export type NewThumbnailRow = Readonly<Insertable<ThumbnailsTable>>;
export type ProcessRow = Readonly<Selectable<ProcessesTable>>;
export type LeaseRow = Readonly<Selectable<LeasesTable>>;
export type UrlPreviewRow = Readonly<Selectable<UrlPreviewsTable>>;
export type ThumbnailVariantRow = Readonly<Selectable<ThumbnailVariantsTable>>;

/** A row for every mxc URI that the repository knows. */
interface MediaTable {
  origin: string;
  media_id: string;
  upload_name: string;
  content_type: string;
  /** Empty for remote media, and for the rows that MMR made for its thumbnails. */
  user_id: string;
  /** 64 lower-case hex digits. */
  sha256_hash: string;
  size_bytes: number;
  location: string;
  creation_ts: number;
  quarantined: Generated<boolean>;
  datastore_id: Generated<string>;
}

/** A row for every generated size of a media. `origin` and `media_id` name the media that was made smaller. */
interface ThumbnailsTable {
  origin: string;
  media_id: string;
  /** The size that was chosen for the request, not that of the picture. */
  width: number;
  height: number;
  method: string;
  content_type: string;
  size_bytes: number;
  location: string;
  creation_ts: number;
  animated: Generated<boolean>;
  sha256_hash: string;
  datastore_id: Generated<string>;
}

/**
 * Still thumbnails in types that clients ask for by name. They lie apart, because the other table has one row for a size,
 * which matrix-media-repo would serve to everybody.
 */
interface ThumbnailVariantsTable {
  origin: string;
  media_id: string;
  /** The size that was chosen for the request, not that of the picture. */
  width: number;
  height: number;
  method: string;
  content_type: string;
  size_bytes: number;
  location: string;
  creation_ts: number;
  sha256_hash: string;
  datastore_id: string;
}

interface UrlPreviewsTable {
  url: string;
  /** Empty on success. */
  error_code: string;
  /** A whole hour. */
  bucket_ts: number;
  site_url: string;
  site_name: string;
  resource_type: string;
  description: string;
  title: string;
  image_mxc: string;
  image_type: string;
  image_size: number;
  image_width: number;
  image_height: number;
  /** `null` only in rows older than the column. */
  language_header: Generated<string | null>;
}

interface BackgroundTasksTable {
  id: Generated<number>;
  task: string;
  /** Written as JSON text, read as its value. */
  params: ColumnType<unknown, string, string>;
  start_ts: number;
  end_ts: number;
  error: Generated<string>;
}

interface LastAccessTable {
  sha256_hash: string;
  last_access_ts: number;
}

/** Media IDs that may never be generated again. */
interface ReservedMediaTable {
  origin: string;
  media_id: string;
  reason: string;
}

/** Media IDs that the generator has handed out. */
interface MediaIdHoldTable {
  origin: string;
  media_id: string;
  reason: string;
  held_ts: Generated<number>;
}

/** Media IDs that wait for their upload. */
interface ExpiringMediaTable {
  origin: string;
  media_id: string;
  user_id: string;
  expires_ts: number;
}

interface MediaAttributesTable {
  origin: string;
  media_id: string;
  /** `none` or `pinned`. */
  purpose: string;
}

interface RestrictedMediaTable {
  origin: string;
  media_id: string;
  condition_type: string;
  condition_value: string;
}

/** Kept by a trigger on media; nothing else writes it. */
interface UserStatsTable {
  user_id: string;
  uploaded_bytes: number;
}

interface ExportsTable {
  export_id: string;
  /** A user ID or a server name. */
  entity: string;
}

interface ExportPartsTable {
  export_id: string;
  /** From 1. */
  index: number;
  size_bytes: number;
  file_name: string;
  datastore_id: string;
  location: string;
}

/** Of pictures: what their uploaders said, or what was computed. */
interface BlurhashesTable {
  origin: string;
  media_id: string;
  blurhash: string;
}

/** Processes that share the database, each as long as it lives. */
interface ProcessesTable {
  machine_id: number;
  /** Drawn anew at each start. */
  instance: string;
  /** Where `pid` means something. */
  host: string;
  pid: number;
  /** Tells processes apart that have had the same `pid`. */
  started: string;
  version: string;
  /** Counts up for as long as the process lives. */
  beats: number;
  /** When it last did, by the clock of the database. */
  beat_ts: number;
}

/** A row for every task that Vitrine has begun: what there is no column for in `background_tasks`. */
interface TaskStatesTable {
  task_id: number;
  /** JSON; empty before the first report. */
  progress: string;
  /** Somebody wants it to end. */
  is_cancelled: boolean;
}

/** What one process at a time may do, and times that have to pass for all processes. */
interface LeasesTable {
  name: string;
  /** Different for each process. */
  holder: string;
  /** When a time has passed, by the clock of the database. Of what a process may do: grows for as long as the process lives. */
  expires_ts: number;
}

/** MMR 1.2 kept its datastores here; operators read their IDs from it. Nothing else does. */
interface DatastoresTable {
  datastore_id: string;
  ds_type: string;
  uri: string;
}
