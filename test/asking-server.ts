import type { TestContext } from 'node:test';
import { request } from 'undici';
import { generateSigningKey, publicTextOf, type SigningKey, signJson, signRequest } from '../src/federation/index.ts';
import { parseServerName, type ServerName } from '../src/matrix/index.ts';
import type { FakeRemote } from './fake-remote.ts';
import { type PlayedInternet, playInternet } from './played-internet.ts';
import {
  type ConfigSections,
  ENGINES,
  makeServiceFolder,
  SERVER_NAME,
  type ServiceFolder,
  startServiceIn,
  type TestService,
} from './service.ts';

/** An answer, read to its end. */
export interface ServerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface AskedBy {
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** What the signature covers in place of what is asked. */
  readonly signed?: { readonly method?: string; readonly uri?: string; readonly destination?: string };
  /** Default: the one of the server. */
  readonly key?: SigningKey;
  /** What is made of the `Authorization` header; several are sent one after the other. */
  readonly authorize?: (header: string) => string | readonly string[] | undefined;
}

/** Another server: it publishes its key, and signs what it asks. */
export interface AskingServer {
  readonly name: ServerName;
  readonly key: SigningKey;
  readonly remote: FakeRemote;
  /** What it publishes, signed by it. */
  keyDocument(changes?: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  /** Asks the service for a path below `/_matrix/federation/v1/media/`, or for any that begins with a slash. */
  ask(path: string, how?: AskedBy): Promise<ServerAnswer>;
}

/** A whole service on a played internet. */
export interface ServingService {
  readonly internet: PlayedInternet;
  readonly service: TestService;
  /** @param lastByte of its address, `10.0.0.…` */
  addServer(name: string, lastByte: number): Promise<AskingServer>;
}

const HOUR_MS = 3_600_000;

/**
 * @param prepared an existing folder, for a service that was stopped to change something
 * @param played where somebody is already when the service starts
 */
export async function startServing(
  t: TestContext,
  sections: ConfigSections = {},
  prepared?: ServiceFolder,
  played?: PlayedInternet,
): Promise<ServingService> {
  const internet = played ?? (await playInternet(t));
  const folder = prepared ?? (await makeServiceFolder(t, ENGINES[0], sections));
  const service = await startServiceIn(t, folder, process.env['PATH'] ?? '', {
    resolver: internet.resolver,
    route: internet.routes.route,
    authorities: [internet.authority.pem],
  });
  return { internet, service, addServer: (name, lastByte) => addServer(internet, service.url, name, lastByte) };
}

async function addServer(
  { dns, start }: PlayedInternet,
  serviceUrl: string,
  serverName: string,
  lastByte: number,
): Promise<AskingServer> {
  const name = parseServerName(serverName);
  dns.set(serverName, 'A', [`10.0.0.${lastByte}`]);
  const remote = await start(`10.0.0.${lastByte} 8448`, { names: [serverName] });
  const key = generateSigningKey();
  const keyDocument = (changes: Readonly<Record<string, unknown>> = {}) =>
    signJson(
      {
        server_name: name,
        valid_until_ts: Date.now() + HOUR_MS,
        verify_keys: { [key.keyId]: { key: publicTextOf(key) } },
        ...changes,
      },
      name,
      key,
    );
  remote.answer('/_matrix/key/v2/server', { body: keyDocument() });
  return {
    name,
    key,
    remote,
    keyDocument,
    async ask(path, how = {}) {
      const { method = 'GET', signed = {}, authorize = (header: string) => header } = how;
      const target = path.startsWith('/') ? path : `/_matrix/federation/v1/media/${path}`;
      const destination = parseServerName(signed.destination ?? SERVER_NAME);
      const header = signRequest(
        { method: signed.method ?? method, uri: signed.uri ?? target, origin: name, destination },
        how.key ?? key,
      );
      const authorization = [authorize(header) ?? []].flat();
      const headers: Record<string, string | string[]> = { 'x-forwarded-host': SERVER_NAME, ...how.headers };
      if (authorization.length > 0) headers['authorization'] = authorization;
      const answer = await request(serviceUrl + target, { method, headers });
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: Buffer.from(await answer.body.arrayBuffer()),
      };
    },
  };
}
