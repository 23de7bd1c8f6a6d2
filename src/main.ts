import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { createAuth } from './auth/index.ts';
import { createBus, createLocks, createUniqueIds } from './cluster/index.ts';
import {
  config,
  init,
  type RunningService,
  runCommand,
  type StartService,
  serveCommand,
  signingKey,
  thumbnail,
} from './commands/index.ts';
import {
  type Config,
  type DatastoreConfig,
  type Environment,
  formatProblem,
  type LoadedConfig,
} from './config/index.ts';
import { type Database, distinctDatastoreIds, openDatabase } from './database/index.ts';
import { type Datastores, openDatastores } from './datastores/index.ts';
import { readDevelopmentSwitches } from './federation/index.ts';
import { createHomeservers } from './homeservers/index.ts';
import { createServer, listen, type Readiness } from './http/index.ts';
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
import { type Log, openLog } from './telemetry/index.ts';
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
  removeAbandonedFolders,
} from './thumbnails/index.ts';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

/** So long a stop waits for the requests under way. */
const GRACE_MS = 30_000;
/** So long one part may take to tell how it is. */
const READINESS_MS = 5_000;

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
  const { log } = stack.use(openLog({ ...logOptions(snapshot), now }));
  log.info({ version, machineId: environment.machineId, files: loaded.files }, 'Starting');
  tellFindings(loaded, log);

  const newUniqueId = createUniqueIds({ machineId: environment.machineId, now });
  const database = stack.use(await openDatabase({ ...databaseOptions(snapshot), log, now, signal }));
  await refuseMissingDatastores(database, snapshot.allDatastores);
  const datastores = stack.use(
    await openDatastores(snapshot.allDatastores, { machineId: environment.machineId, newUniqueId, now, log }),
  );
  const homeservers = stack.use(createHomeservers({ log, now }));
  const federation = stack.use(await openFederation(snapshot, { log, now }, internet));
  const thumbnailer = stack.use(createThumbnailer({ log, maxWorkers: snapshot.thumbnails.numWorkers }));
  const extractor = stack.use(await openExtractor(snapshot, environment.searchPath, log, signal));

  const auth = createAuth({ homeservers, log, now });
  const storeParts = {
    database,
    datastores,
    locks: createLocks(),
    bus: createBus(),
    records: createMediaRecords({ database, now }),
    hotObjects: createHotObjects(),
    usage: stack.use(createUsage({ database, now, log })),
    receiveBuffers: createReceiveBuffers(),
    newUniqueId,
    now,
  };
  const mediaParts = { ...storeParts, remoteMedia: createRemoteMedia({ ...storeParts, ask: federation.fetchRemote }) };
  const media = createMedia(mediaParts);
  const pictureParts = { ...mediaParts, media, thumbnailer, extractor, refusedFiles: createRefusedFiles({ now }) };
  const thumbnails = createThumbnails(pictureParts);
  const eagerThumbnails = stack.use(createEagerThumbnails({ thumbnails, thumbnailer, log }));
  const linkPreviews = stack.use(openPreviews({ ...mediaParts, media, thumbnailer, log }, internet));
  const checkReadiness = (asked: AbortSignal) => readinessOf(database, datastores, log, asked);
  const app = await createServer({
    config: () => snapshot,
    log,
    now,
    version,
    auth,
    media,
    thumbnails,
    eagerThumbnails,
    quarantinePictures: createQuarantinePictures(pictureParts),
    blurhashes: createBlurhashes(pictureParts),
    mediaInfos: createMediaInfos(pictureParts),
    previews: linkPreviews.previews,
    drawIdenticon: linkPreviews.drawIdenticon,
    verifyRequest: federation.verifyRequest,
    reportServer: federation.reportServer,
    checkReadiness,
  });
  const listening = await listen(app, { host: snapshot.repo.bindAddress, port: snapshot.repo.port });
  stack.defer(() => listening.close(GRACE_MS));
  log.info({ url: listening.url, domains: [...snapshot.domains.keys()] }, 'Ready');
  return asService(listening.url, stack.move(), log);
}

function asService(url: string, parts: AsyncDisposableStack, log: Log): RunningService {
  return {
    url,
    async stop() {
      log.info('Stopping: requests under way are finished first');
      await parts.disposeAsync();
    },
  };
}

function logOptions({ repo }: Config) {
  return { level: repo.logLevel, colors: repo.logColors, json: repo.jsonLogs, directory: repo.logDirectory };
}

function databaseOptions({ database: { sqlite, postgres, pool } }: Config) {
  return sqlite === '' ? { postgres, pool } : { sqlite, pool };
}

async function openExtractor(snapshot: Config, searchPath: string, log: Log, signal: AbortSignal) {
  const domains = [...snapshot.domains.values()];
  const types = domains.flatMap(({ thumbnails }) => thumbnails.types);
  const programs = await findNeededPrograms(types, searchPath, log, signal);
  const tempPath = snapshot.thumbnails.tempPath || tmpdir();
  const extractor = createExtractor({ programs, log, tempPath });
  if (extractor.families.length > 0) await removeAbandonedFolders(tempPath, Date.now, log);
  return extractor;
}

function tellFindings({ warnings, withoutEffect }: LoadedConfig, log: Log): void {
  for (const warning of warnings) log.warn(`Configuration: ${formatProblem(warning)}`);
  if (withoutEffect.length > 0) log.warn({ options: withoutEffect }, 'These options are set and have no effect yet');
}

/** Media in a datastore that nobody has configured could not be served; better to say so now. */
async function refuseMissingDatastores(database: Database, configured: readonly DatastoreConfig[]): Promise<void> {
  const known = new Set(configured.map(({ id }) => id));
  const missing = (await distinctDatastoreIds(database.db)).filter((id) => !known.has(id));
  if (missing.length === 0) return;
  const names = missing.map((id) => JSON.stringify(id)).join(', ');
  throw new Error(`The database has media in datastores that are not configured: ${names}. Add them to "datastores"`);
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

if (import.meta.main) {
  const io = {
    stdout: (text: string) => void process.stdout.write(text),
    stderr: (text: string) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
  };
  const start: StartService = (loaded, environment, signal) =>
    startService(loaded, environment, signal, readDevelopmentSwitches(io.env));
  process.exitCode = await runCommand(
    [serveCommand(start), init, config, signingKey, thumbnail],
    process.argv.slice(2),
    io,
    version,
  );
}
