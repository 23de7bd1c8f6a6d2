import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { createOwnCluster } from '../src/cluster/index.ts';
import type { Config } from '../src/config/index.ts';
import { createServer } from '../src/http/index.ts';
import { MissingToken, UnknownToken } from '../src/matrix/index.ts';
import { type Log, openLog } from '../src/telemetry/index.ts';
import { makeConfig } from './config.ts';

type Parts = Parameters<typeof createServer>[0];

/** What a test plays of the parts behind the server. The parts that it does not name refuse to be called. */
export interface PlayedParts {
  readonly config?: Config;
  readonly log?: Log;
  readonly counts?: Parts['counts'];
  readonly identify?: Parts['auth']['identify'];
  readonly recall?: Parts['auth']['recall'];
  readonly logout?: Parts['auth']['logout'];
  readonly versions?: Parts['auth']['versions'];
  readonly upload?: Parts['media']['upload'];
  readonly open?: Parts['media']['open'];
  readonly openThumbnail?: Parts['thumbnails']['open'];
  readonly findPreview?: Parts['previews']['find'];
  readonly now?: () => number;
  readonly verifyRequest?: Parts['verifyRequest'];
  readonly checkReadiness?: Parts['checkReadiness'];
}

export interface PlayedServer {
  readonly app: FastifyInstance;
  /** Every line that was logged, at all levels. */
  readonly logged: readonly Readonly<Record<string, unknown>>[];
}

/** Accepted by the `identify` of every played server that has no other. */
export const TOKEN = 'token-of-alice';

/** The real server with played parts behind it; `app.inject` asks it, {@link listenTo} gives it a port. */
export async function createPlayedServer(t: TestContext, played: PlayedParts = {}): Promise<PlayedServer> {
  const config = played.config ?? (await makeConfig());
  const logged: Record<string, unknown>[] = [];
  const output = (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>);
  const opened = openLog({ level: 'trace', colors: false, json: true, directory: '', now: Date.now, output });
  const app = await createServer({
    config: () => config,
    log: played.log ?? opened.log,
    counts: played.counts,
    auth: {
      identify: played.identify ?? identifyAlice,
      recall: played.recall ?? (() => undefined),
      logout: played.logout ?? refuseCalls,
      versions: played.versions ?? refuseCalls,
    },
    media: {
      upload: played.upload ?? refuseCalls,
      reserve: refuseCalls,
      fill: refuseCalls,
      usageOf: refuseCalls,
      find: refuseCalls,
      copy: refuseCalls,
      open: played.open ?? refuseCalls,
      follow: played.open ?? refuseCalls,
    },
    thumbnails: { open: played.openThumbnail ?? refuseCalls },
    eagerThumbnails: { schedule: () => undefined },
    quarantinePictures: { forDownload: refuseCalls, forThumbnail: refuseCalls },
    blurhashes: { save: refuseCalls, find: refuseCalls },
    mediaInfos: { find: refuseCalls },
    previews: { find: played.findPreview ?? refuseCalls },
    drawIdenticon: refuseCalls,
    verifyRequest: played.verifyRequest ?? refuseCalls,
    reportServer: refuseCalls,
    openBuckets: createOwnCluster({ now: played.now ?? Date.now }).openBuckets,
    estimateStorage: refuseCalls,
    tasks: {
      start: refuseCalls,
      find: refuseCalls,
      list: refuseCalls,
      cancel: refuseCalls,
      [Symbol.asyncDispose]: async () => undefined,
    },
    now: played.now ?? Date.now,
    version: '1.2.3',
    checkReadiness: played.checkReadiness ?? (async () => new Map()),
  });
  t.after(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { app, logged };
}

/** @returns the port, on 127.0.0.1 */
export async function listenTo(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function identifyAlice({ token }: { readonly token: string }) {
  if (token === '') throw new MissingToken();
  if (token !== TOKEN) throw new UnknownToken();
  return { userId: '@alice:example.org', isGuest: false, isSharedSecret: false, isRepoAdmin: false };
}

async function refuseCalls(): Promise<never> {
  throw new Error('The test does not expect this call');
}
