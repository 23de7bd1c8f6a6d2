/** What Prometheus is told of a metric beside its values. */
export interface MetricDescription {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

/** From five seconds to half a year and a year. */
const AGES = [
  5, 15, 30, 60, 120, 150, 300, 900, 1_800, 3_600, 9_000, 18_000, 43_200, 86_400, 1_296_000, 2_592_000, 15_811_200,
  31_536_000,
];
const RESPONSE_TIMES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * All metrics of ours. Names, labels and buckets of those with `media_` are matrix-media-repo's, which boards and alerts
 * are made for. docs/metrics.md has them as a table, and a test compares the two.
 */
export const METRICS = {
  media_http_requests_total: {
    type: 'counter',
    help: 'Requests for an endpoint, counted when they begin.',
    labels: ['host', 'action', 'method'],
  },
  media_invalid_http_requests_total: {
    type: 'counter',
    help: 'Requests for an endpoint that were refused because their host is not served here.',
    labels: ['action', 'method'],
  },
  media_http_responses_total: {
    type: 'counter',
    help: 'Answers to requests for an endpoint, counted when they have been sent. 499: the client left before.',
    labels: ['host', 'action', 'method', 'statusCode'],
  },
  media_http_response_time_seconds: {
    type: 'histogram',
    help: 'Time from the beginning of a request to the end of its answer, the transfer of both bodies included.',
    labels: ['host', 'action', 'method'],
    buckets: RESPONSE_TIMES,
  },
  media_cache_hits_total: {
    type: 'counter',
    help: 'Objects that were in the memory of this process when they were needed.',
    labels: ['cache'],
  },
  media_cache_misses_total: {
    type: 'counter',
    help: 'Objects that had to be read from their datastore.',
    labels: ['cache'],
  },
  media_thumbnails_generated_total: {
    type: 'counter',
    help: 'Thumbnails that were made, or found to be no smaller than the original.',
    labels: ['width', 'height', 'method', 'animated', 'origin'],
  },
  media_downloaded_total: {
    type: 'counter',
    help: 'Requests to other servers for their media, whatever came of them.',
    labels: ['origin'],
  },
  media_url_previews_generated_total: {
    type: 'counter',
    help: 'Previews of links that were made, by what they are made of.',
    labels: ['type'],
  },
  media_s3_operations_total: {
    type: 'counter',
    help: 'Operations on buckets. An upload in parts counts once.',
    labels: ['operation'],
  },
  media_age_accessed_media_seconds: {
    type: 'histogram',
    help: 'Age of the stored media and thumbnails that are asked for.',
    labels: [],
    buckets: AGES,
  },
  vitrine_http_other_responses_total: {
    type: 'counter',
    help: 'Answers to requests that came to no endpoint: unknown paths, wrong methods, OPTIONS, too many requests, no HTTP.',
    labels: ['statusCode'],
  },
  vitrine_rate_limited_total: {
    type: 'counter',
    help: 'Requests that were refused because the client had asked for too much.',
    labels: ['limit'],
  },
  vitrine_redis_up: {
    type: 'gauge',
    help: '1 when the connection to this Redis can be used, else 0.',
    labels: ['redis', 'connection'],
  },
  vitrine_database_connections: {
    type: 'gauge',
    help: 'Connections of this process to the database.',
    labels: ['state'],
  },
  vitrine_database_waiting: {
    type: 'gauge',
    help: 'Queries that wait for a connection to the database.',
    labels: [],
  },
  vitrine_thumbnail_workers: {
    type: 'gauge',
    help: 'Child processes that decode pictures.',
    labels: ['state'],
  },
  vitrine_thumbnail_queue: {
    type: 'gauge',
    help: 'Pictures that wait for such a process.',
    labels: [],
  },
  vitrine_remote_fetches: {
    type: 'gauge',
    help: 'Media that is being fetched from other servers, or waits for its turn.',
    labels: ['state'],
  },
  vitrine_processes: {
    type: 'gauge',
    help: 'Processes on the same database that this one knows to be alive, itself included.',
    labels: [],
  },
  vitrine_in_charge: {
    type: 'gauge',
    help: '1 when this process does what one of them has to do, else 0.',
    labels: [],
  },
  vitrine_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs here.',
    labels: ['version', 'node'],
  },
} as const satisfies Readonly<Record<string, MetricDescription>>;
