import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '../src/config/index.ts';
import { startService } from '../src/main.ts';
import type { Internet } from '../src/open-federation.ts';
import { usePostgres } from './postgres.ts';

/** The application service that every test service knows; it uploads without a homeserver. */
export const TOKEN = 'token-of-the-tests';
export const SERVER_NAME = 'example.org';

const postgres = await usePostgres();

/** The databases on which each case is to be run: `for (const engine of ENGINES) test(…, { skip: engine.skip }, …)`. */
export const ENGINES = [
  { name: 'sqlite', skip: false },
  { name: 'postgres', skip: postgres.skip },
] as const;
export type Engine = (typeof ENGINES)[number];

/** Configuration beside what every test service has, in YAML's terms. */
export type ConfigSections = Readonly<Record<string, unknown>>;

export interface ServiceFolder {
  readonly path: string;
  /** Where the datastore keeps objects. */
  readonly media: string;
  readonly configPath: string;
}

/** A folder with a configuration in it, gone after the test. */
export async function makeServiceFolder(
  t: TestContext,
  engine: Engine,
  sections: ConfigSections = {},
): Promise<ServiceFolder> {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-service-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const media = join(path, 'media');
  await mkdir(media);
  const configPath = join(path, 'media-repo.yaml');
  const database = engine.name === 'sqlite' ? { sqlite: 'vitrine.db' } : { postgres: await postgres.createDatabase(t) };
  await writeFile(
    configPath,
    stringify({
      repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'fatal', jsonLogs: true },
      database,
      homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }],
      accessTokens: {
        useLocalAppserviceConfig: true,
        appservices: [
          {
            id: 'tests',
            asToken: TOKEN,
            senderUserId: `@tests:${SERVER_NAME}`,
            userNamespaces: [{ regex: `@.*:${SERVER_NAME}` }],
          },
        ],
      },
      datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path: media } }],
      uploads: { minBytes: 0 },
      rateLimit: { enabled: false },
      thumbnails: { types: ['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'] },
      ...sections,
    }),
  );
  return { path, media, configPath };
}

/** The objects that its datastore keeps, as locations. */
export async function listObjects({ media }: Pick<ServiceFolder, 'media'>): Promise<string[]> {
  return (await readdir(media, { recursive: true })).filter((name) => name.endsWith('idv2fmt'));
}

export interface TestService extends ServiceFolder {
  readonly url: string;
  /** Asks with the host and, unless there are other headers for it, the token that the service knows. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

/** The whole service in this process, with real parts. Stopped after the test, if not before. @param internet a played one */
export async function startTestService(
  t: TestContext,
  engine: Engine,
  sections: ConfigSections = {},
  searchPath?: string,
  internet?: Internet,
): Promise<TestService> {
  return await startServiceIn(t, await makeServiceFolder(t, engine, sections), searchPath, internet);
}

/** As {@link startTestService}, in a folder that another service may have used before. */
export async function startServiceIn(
  t: TestContext,
  folder: ServiceFolder,
  searchPath: string = process.env['PATH'] ?? '',
  internet: Internet = {},
  machineId = 0,
): Promise<TestService> {
  const environment = { machineId, searchPath };
  const service = await startService(await loadConfig(folder.configPath), environment, t.signal, internet);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= service.stop());
  t.after(stop);
  return { ...folder, url: service.url, ask: (path, init) => ask(service.url, path, init), stop };
}

/** A request as a client of {@link SERVER_NAME} would send it. */
export async function ask(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers({ authorization: `Bearer ${TOKEN}`, 'x-forwarded-host': SERVER_NAME });
  for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
  return await fetch(url + path, { ...init, headers });
}

/** @returns the `content_uri`; @throws for any other answer than 200 */
export async function uploadBytes(
  asking: (path: string, init: RequestInit) => Promise<Response>,
  bytes: Uint8Array,
  { type = 'application/octet-stream', name = '' }: { readonly type?: string; readonly name?: string } = {},
): Promise<string> {
  const query = name === '' ? '' : `?filename=${encodeURIComponent(name)}`;
  const response = await asking(`/_matrix/media/v3/upload${query}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(bytes),
  });
  const answer = (await response.json()) as { content_uri?: string };
  if (response.status !== 200 || answer.content_uri === undefined) {
    throw new Error(`The upload was answered ${response.status}: ${JSON.stringify(answer)}`);
  }
  return answer.content_uri;
}

/** The path below which the media of a `content_uri` is, on the authenticated endpoints. */
export function pathOf(contentUri: string, what: 'download' | 'thumbnail' = 'download'): string {
  return `/_matrix/client/v1/media/${what}/${contentUri.slice('mxc://'.length)}`;
}
