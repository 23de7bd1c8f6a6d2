import { stringify } from 'yaml';

export interface MmrConfigParts {
  readonly postgres: string;
  /** Where the datastore `local` keeps its files. */
  readonly folder: string;
  /** Options of the datastore `bucket`. */
  readonly s3: Readonly<Record<string, string>>;
  readonly tempPath: string;
  /** Takes what users upload; the other one takes everything else. */
  readonly uploadsTo: 'local' | 'bucket';
  readonly appserviceToken: string;
}

/** The file of somebody who has run MMR for years: most sections, also those that Vitrine has no use for. */
export function writeMmrConfig(parts: MmrConfigParts): string {
  const { uploadsTo } = parts;
  const others = ['remote_media', 'thumbnails', 'archives'];
  const kindsOf = (id: 'local' | 'bucket') => (id === uploadsTo ? ['local_media'] : others);
  return stringify({
    repo: {
      bindAddress: '127.0.0.1',
      port: 0,
      logDirectory: '-',
      logColors: false,
      jsonLogs: true,
      logLevel: 'fatal',
      trustAnyForwardedAddress: false,
      useForwardedHost: true,
      freezeUnauthenticatedMedia: false,
    },
    federation: { backoffAt: 20, ignoredHosts: [] },
    database: { postgres: parts.postgres, pool: { maxConnections: 25, maxIdleConnections: 5 } },
    homeservers: [
      {
        name: 'example.org',
        csApi: 'http://127.0.0.1:9',
        backoffAt: 10,
        adminApiKind: 'synapse',
      },
    ],
    accessTokens: {
      maxCacheTimeSeconds: 43_200,
      useLocalAppserviceConfig: true,
      appservices: [
        {
          id: 'bridge',
          asToken: parts.appserviceToken,
          senderUserId: '@bridge:example.org',
          userNamespaces: [{ regex: '@.+:example\\.org' }],
        },
      ],
    },
    admins: ['@admin:example.org'],
    sharedSecretAuth: { enabled: false, token: 'CHANGE_ME' },
    datastores: [
      { type: 'file', id: 'local', forKinds: kindsOf('local'), opts: { path: parts.folder } },
      {
        type: 's3',
        id: 'bucket',
        forKinds: kindsOf('bucket'),
        opts: { ...parts.s3, tempPath: parts.tempPath, prefixLength: '3', storageClass: 'STANDARD' },
      },
    ],
    archiving: { enabled: true, selfService: false, targetBytesPerPart: 209_715_200 },
    uploads: { maxBytes: 104_857_600, minBytes: 100, maxPending: 5, maxAgeSeconds: 1800, quotas: { enabled: false } },
    downloads: { maxBytes: 104_857_600, numWorkers: 10, failureCacheMinutes: 5, expireAfterDays: 0 },
    urlPreviews: { enabled: true, numWorkers: 10, expireAfterDays: 0, defaultLanguage: 'en-US,en' },
    thumbnails: {
      maxSourceBytes: 10_485_760,
      maxPixels: 32_000_000,
      numWorkers: 100,
      sizes: [
        { width: 32, height: 32 },
        { width: 96, height: 96 },
        { width: 320, height: 240 },
        { width: 640, height: 480 },
        { width: 800, height: 600 },
      ],
      dynamicSizing: false,
      types: ['image/jpeg', 'image/jpg', 'image/png', 'image/apng', 'image/gif', 'image/heif', 'image/webp'],
      allowAnimated: true,
      defaultAnimated: false,
      maxAnimateSizeBytes: 10_485_760,
      stillFrame: 0.5,
      expireAfterDays: 0,
    },
    rateLimit: { enabled: true, requestsPerSecond: 1, burst: 1000 },
    identicons: { enabled: true },
    quarantine: { replaceThumbnails: true, replaceDownloads: false, thumbnailPath: '', allowLocalAdmins: true },
    timeoutSeconds: { urlPreviewTimeoutSeconds: 10, federationTimeoutSeconds: 120, clientServerTimeoutSeconds: 30 },
    metrics: { enabled: false, bindAddress: 'localhost', port: 9000 },
    featureSupport: { MSC2448: { enabled: false }, IPFS: { enabled: false } },
    redis: { enabled: false, databaseNumber: 0, shards: [{ name: 'server1', addr: ':7000' }] },
    sentry: { enabled: false, dsn: '', environment: '', debug: false },
    tasks: { numWorkers: 5 },
    pprof: { enabled: false },
  });
}
