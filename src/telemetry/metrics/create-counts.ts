import type { Counts } from '../counts.ts';
import { boundLabel, OTHER } from './bounded-label.ts';
import { Distribution } from './distribution.ts';
import { METRICS } from './metric-list.ts';
import type { MetricsRegistry } from './registry.ts';
import { createRequestTallies, type RequestTallies } from './request-tallies.ts';

/** Other servers that are told apart; everybody can make up names of servers. */
const MAX_ORIGINS = 100;
/** With `thumbnails.dynamicSizing`, clients choose the sizes. */
const MAX_SIZES = 32;

/** Counts into the metrics that matrix-media-repo has, and a few of our own. @param ownServers keep a series of their own */
export function createCounts(registry: MetricsRegistry, ownServers: readonly string[]): Counts {
  const requests = createRequestTallies(METRICS.media_http_response_time_seconds.buckets);
  showRequests(registry, requests);
  const ages = new Distribution(METRICS.media_age_accessed_media_seconds.buckets);
  registry.readHistogram('media_age_accessed_media_seconds', () => [[{}, ages]]);
  const looked = { hits: 0, misses: 0 };
  registry.readCounter('media_cache_hits_total', () => [[{ cache: 'media' }, looked.hits]]);
  registry.readCounter('media_cache_misses_total', () => [[{ cache: 'media' }, looked.misses]]);

  const refusedHosts = registry.counter('media_invalid_http_requests_total');
  const otherResponses = registry.counter('vitrine_http_other_responses_total');
  const limited = registry.counter('vitrine_rate_limited_total');
  const thumbnails = registry.counter('media_thumbnails_generated_total');
  const downloads = registry.counter('media_downloaded_total');
  const previews = registry.counter('media_url_previews_generated_total');
  const s3Operations = registry.counter('media_s3_operations_total');

  const origins = boundLabel(MAX_ORIGINS, ownServers);
  const originOf = (serverName: string) => origins(serverName.toLowerCase());
  const sizes = boundLabel(MAX_SIZES);
  return {
    requestBegun(request) {
      requests.of(request).begun += 1;
    },
    requestEnded(request, status, seconds) {
      const tally = requests.of(request);
      tally.endedByStatus.set(status, (tally.endedByStatus.get(status) ?? 0) + 1);
      tally.seconds.add(seconds);
    },
    hostRefused: (action, method) => refusedHosts.inc({ action, method }),
    otherAnswered: (statusCode) => otherResponses.inc({ statusCode }),
    limited: (limit) => limited.inc({ limit }),
    mediaRead: (ageSeconds) => ages.add(Math.max(0, ageSeconds)),
    cacheLooked(isThere) {
      looked[isThere ? 'hits' : 'misses'] += 1;
    },
    thumbnailMade({ width, height, method, animated, origin }) {
      const size = `${width}x${height}`;
      const sized = sizes(size) === size ? { width, height } : { width: OTHER, height: OTHER };
      thumbnails.inc({ ...sized, method, animated: String(animated), origin: originOf(origin) });
    },
    remoteAsked: (origin) => downloads.inc({ origin: originOf(origin) }),
    previewMade: (type) => previews.inc({ type }),
    s3Asked: (operation) => s3Operations.inc({ operation }),
  };
}

function showRequests(registry: MetricsRegistry, requests: RequestTallies): void {
  registry.readCounter('media_http_requests_total', () =>
    [...requests.all()].map(({ labels, begun }) => [labels, begun] as const),
  );
  registry.readCounter('media_http_responses_total', () =>
    [...requests.all()].flatMap(({ labels: { host, action, method }, endedByStatus }) =>
      [...endedByStatus].map(([statusCode, ended]) => [{ host, action, method, statusCode }, ended] as const),
    ),
  );
  registry.readHistogram('media_http_response_time_seconds', () =>
    [...requests.all()].map(({ labels, seconds }) => [labels, seconds] as const),
  );
}
