import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { createAuth } from './auth/index.ts';
import {
  createUniqueIds,
  describeThisProcess,
  hasProcessEnded,
  openCluster,
  openProcesses,
  type Processes,
} from './cluster/index.ts';
import type { RunningService } from './commands/index.ts';
import {
  type Config,
  type DatastoreConfig,
  type Environment,
  formatProblem,
  type LoadedConfig,
} from './config/index.ts';
import {
  createProcessTable,
  type Database,
  distinctDatastoreIds,
  estimateStorage,
  measureDatastores,
  openDatabase,
} from './database/index.ts';
import { type Datastores, openDatastores } from './datastores/index.ts';
import { createHomeservers } from './homeservers/index.ts';
import { createServer, type Listening, listen, type Readiness } from './http/index.ts';
import {
  createHotObjects,
  createMedia,
  createMediaRecords,
  createReceiveBuffers,
  createRemoteMedia,
  createUsage,
} from './media/index.ts';
import { type Internet, openFederation } from './open-federation.ts';
import { openPreviews } from './open-previews.ts';
import { openUpkeep } from './open-upkeep.ts';
import { type Log, openLog, openMetrics } from './telemetry/index.ts';
import {
  createBlurhashes,
  createEagerThumbnails,
  createExtractor,
  createMediaInfos,
  createQuarantinePictures,
  createRefusedFiles,
  createThumbnailer,
  createThumbnails,
  findNeededPrograms,
  type Programs,
  removeAbandonedFolders,
} from './thumbnails/index.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/** So long a stop waits for the requests under way. */
const GRACE_MS = 30_000;
/** And so long for what the database has not answered after that. */
const LAST_QUERIES_MS = 10_000;
/** So long one part may take to tell how it is. */
const READINESS_MS = 5_000;

/** A SQLite file is one process's alone. */
const ALONE: Pick<Processes, 'isInCharge' | 'countAlive'> = { isInCharge: () => true, countAlive: () => 1 };

/**
 * Makes the parts, joins them, and closes them in reverse order, also when one of them cannot be made.
 * @param internet the real one, unless a test plays it
 */
export async function startService(
  loaded: LoadedConfig,
  environment: Environment,
  signal: AbortSignal,
  internet: Internet = {},
): Promise<RunningService> {
  await using stack = new AsyncDisposableStack();
  const snapshot: Config = loaded.config;
  const now = Date.now;
  // For how long something lasts: no setting of the clock moves it.
  const steadyNow = () => performance.timeOrigin + performance.now();
  const { log } = stack.use(openLog({ ...logOptions(snapshot), now }));
  log.info({ version, machineId: environment.machineId, files: loaded.files }, 'Starting');
  tellFindings(loaded, log);

  const metrics = snapshot.metrics.enabled
    ? await openMetrics({ version, ownServers: [...snapshot.domains.keys()], log })
    : undefined;
  const counts = metrics?.counts;
  // They start programs, which goes on while the database is opened.
  const programs = findPrograms(snapshot, environment.searchPath, log, signal);
  stack.defer(() => programs.then(ignore, ignore)); // the log that they tell is closed after it
  const newUniqueId = createUniqueIds({ machineId: environment.machineId, now });
  const database = stack.use(await openDatabase({ ...databaseOptions(snapshot), log, now, signal }));
  const processes =
    database.engine === 'postgres'
      ? stack.use(await joinProcesses(snapshot, environment.machineId, database, log, signal))
      : ALONE;
  const { isInCharge } = processes;
  await refuseMissingDatastores(database.patient(signal), snapshot.allDatastores, log);
  const datastores = stack.use(
    await openDatastores(snapshot.allDatastores, {
      machineId: environment.machineId,
      newUniqueId,
      now,
      log,
      counts,
      measure: () => measureDatastores(database.db),
    }),
  );
  const { redis } = snapshot;
  const cluster = stack.use(
    await openCluster(redis.enabled ? redis : undefined, { log, now: steadyNow, random: Math.random }),
  );
  const { locks, bus, openBuckets } = cluster;
  const homeservers = stack.use(createHomeservers({ log, now: steadyNow }));
  const federation = stack.use(await openFederation(snapshot, { bus, log, counts, now, steadyNow }, internet));
  const thumbnailer = stack.use(createThumbnailer({ log, maxWorkers: snapshot.thumbnails.numWorkers }));
  const extractor = stack.use(await openExtractor(snapshot, await programs, log));

  const auth = createAuth({ homeservers, bus, log, now: steadyNow });
  const storeParts = {
    database,
    datastores,
    locks,
    bus,
    records: createMediaRecords({ database, bus, now: steadyNow }),
    hotObjects: createHotObjects(),
    usage: stack.use(createUsage({ database, now, log })),
    receiveBuffers: createReceiveBuffers(),
    newUniqueId,
    now,
    steadyNow,
    counts,
  };
  const remoteMedia = createRemoteMedia({ ...storeParts, openCache: cluster.openCache, ask: federation.fetchRemote });
  const mediaParts = { ...storeParts, remoteMedia };
  const media = createMedia(mediaParts);
  const pictureParts = {
    ...mediaParts,
    media,
    thumbnailer,
    extractor,
    refusedFiles: createRefusedFiles({ now: steadyNow }),
  };
  const thumbnails = createThumbnails(pictureParts);
  const eagerThumbnails = stack.use(createEagerThumbnails({ thumbnails, thumbnailer, log }));
  const { forget: forgetRecord, forgetAll: forgetRecords } = storeParts.records;
  const upkeepParts = { ...storeParts, forgetRecord, forgetRecords, isInCharge, elapsedMs: steadyNow, log };
  const { tasks } = stack.use(openUpkeep(() => snapshot, upkeepParts));
  const linkPreviews = stack.use(openPreviews({ ...mediaParts, media, thumbnailer, log }, internet));
  const checkReadiness = (asked: AbortSignal) => readinessOf(database, datastores, log, asked);
  const app = await createServer({
    config: () => snapshot,
    openBuckets,
    log,
    now,
    counts,
    version,
    auth,
    media,
    thumbnails,
    eagerThumbnails,
    quarantinePictures: createQuarantinePictures({ ...pictureParts, now: steadyNow }),
    blurhashes: createBlurhashes(pictureParts),
    mediaInfos: createMediaInfos(pictureParts),
    previews: linkPreviews.previews,
    drawIdenticon: linkPreviews.drawIdenticon,
    verifyRequest: federation.verifyRequest,
    reportServer: federation.reportServer,
    tasks,
    estimateStorage: (id, beforeTs, asked) => estimateStorage(database.patient(asked).db, id, beforeTs),
    checkReadiness,
  });
  if (metrics !== undefined) {
    const readings = {
      redis: cluster.connections,
      database: database.load,
      thumbnails: () => thumbnailer.load,
      remoteFetches: () => remoteMedia.load,
      processes: processes.countAlive,
      isInCharge,
    };
    const { bindAddress: host, port } = snapshot.metrics;
    const { url } = stack.use(await metrics.serve({ host, port }, readings));
    log.info({ url }, 'Metrics are served');
  }
  const listening = await listen(app, { host: snapshot.repo.bindAddress, port: snapshot.repo.port });
  stack.defer(() => database.hurry(LAST_QUERIES_MS));
  stack.defer(() => listening.close(GRACE_MS));
  log.info({ url: listening.url, domains: [...snapshot.domains.keys()] }, 'Ready');
  return asService(listening, stack.move(), log);
}

function asService({ url, drain }: Listening, parts: AsyncDisposableStack, log: Log): RunningService {
  return {
    url,
    async stop(drainMs = 0) {
      log.info('Stopping: requests under way are finished first');
      if (drainMs > 0) await drain(drainMs);
      await parts.disposeAsync();
    },
  };
}

function logOptions({ repo }: Config) {
  return { level: repo.logLevel, colors: repo.logColors, json: repo.jsonLogs, directory: repo.logDirectory };
}

function databaseOptions({ database: { sqlite, postgres, pool, timeouts, preparedStatements } }: Config) {
  return sqlite === '' ? { postgres, pool, timeouts, preparedStatements } : { sqlite, pool, timeouts };
}

async function joinProcesses(
  { redis, tasks }: Config,
  machineId: number,
  database: Database,
  log: Log,
  signal: AbortSignal,
): Promise<Processes> {
  return await openProcesses(
    {
      book: createProcessTable(database),
      machineId,
      version,
      self: describeThisProcess(),
      hasEnded: hasProcessEnded,
      isShared: redis.enabled,
      takeOverMs: () => tasks.takeOverSeconds * 1000,
      log,
      elapsedMs: () => performance.now(),
    },
    signal,
  );
}

function findPrograms(snapshot: Config, searchPath: string, log: Log, signal: AbortSignal): Promise<Programs> {
  const domains = [...snapshot.domains.values()];
  const types = domains.flatMap(({ thumbnails }) => thumbnails.types);
  return findNeededPrograms(types, searchPath, log, signal);
}

/** For what is told where it is awaited. */
function ignore(): void {}

async function openExtractor(snapshot: Config, programs: Programs, log: Log) {
  const tempPath = snapshot.thumbnails.tempPath || tmpdir();
  const extractor = createExtractor({ programs, log, tempPath });
  if (extractor.families.length > 0) await removeAbandonedFolders(tempPath, Date.now, log);
  return extractor;
}

function tellFindings({ warnings, withoutEffect }: LoadedConfig, log: Log): void {
  for (const warning of warnings) log.warn(`Configuration: ${formatProblem(warning)}`);
  if (withoutEffect.length > 0) log.warn({ options: withoutEffect }, 'These options are set and have no effect yet');
}

/**
 * Media in a datastore that nobody has configured could not be served; better to say so now. Thumbnails there are made again,
 * and matrix-media-repo starts without their datastores as well.
 */
async function refuseMissingDatastores(
  database: Database,
  configured: readonly DatastoreConfig[],
  log: Log,
): Promise<void> {
  const known = new Set(configured.map(({ id }) => id));
  const unknownOf = (ids: readonly string[]) => ids.filter((id) => !known.has(id));
  const missing = unknownOf(await distinctDatastoreIds(database.db, ['media']));
  if (missing.length > 0) {
    const names = missing.map((id) => JSON.stringify(id)).join(', ');
    throw new Error(`The database has media in datastores that are not configured: ${names}. Add them to "datastores"`);
  }
  const others = unknownOf(await distinctDatastoreIds(database.db));
  if (others.length === 0) return;
  log.warn(
    { datastores: others },
    'Thumbnails or exports are in datastores that are not configured; they are not used',
  );
}

async function readinessOf(
  database: Database,
  datastores: Datastores,
  log: Log,
  asked: AbortSignal,
): Promise<Readiness> {
  const signal = AbortSignal.any([asked, AbortSignal.timeout(READINESS_MS)]);
  const checks: [name: string, check: Promise<void>][] = [['database', database.check(signal)]];
  for (const datastore of datastores.all()) {
    checks.push([`datastore ${datastore.id}`, datastore.checkHealth(signal)]);
  }
  return new Map(
    await Promise.all(
      checks.map(async ([name, check]): Promise<[string, string | undefined]> => {
        try {
          await check;
          return [name, undefined];
        } catch (error) {
          log.warn({ err: error, part: name }, 'A part of the service is in trouble');
          return [name, 'cannot be used at the moment'];
        }
      }),
    ),
  );
}
