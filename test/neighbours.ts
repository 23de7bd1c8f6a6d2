import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import type { TestContext } from 'node:test';
import { formatKeyFile, generateSigningKey, publicTextOf, type SigningKey, signJson } from '../src/federation/index.ts';
import { parseServerName } from '../src/matrix/index.ts';
import type { FakeRemote, Handle } from './fake-remote.ts';
import { type PlayedInternet, playInternet } from './played-internet.ts';
import {
  ask,
  type ConfigSections,
  ENGINES,
  makeServiceFolder,
  type ServiceFolder,
  startServiceIn,
  type TestService,
  TOKEN,
  uploadBytes,
} from './service.ts';

/** One of two real services, each of which is another server to the other one. */
export interface Neighbour {
  readonly name: string;
  readonly service: TestService;
  /** What stands in front of it for other servers: ends TLS, publishes the key, passes everything else on. */
  readonly front: FakeRemote;
  /** As a client with a token of this server, unless there are other headers for it. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** @returns origin and ID of the media, as paths have them */
  upload(bytes: Uint8Array, named?: Parameters<typeof uploadBytes>[2]): Promise<string>;
  /** Paths of other servers' requests for media, without their queries. */
  askedForMedia(): readonly string[];
}

export interface Neighbourhood {
  readonly internet: PlayedInternet;
  readonly here: Neighbour;
  readonly there: Neighbour;
}

export interface NeighbourOptions {
  readonly sections?: ConfigSections;
  /** Default: it has one, and publishes it. */
  readonly hasKey?: boolean;
  /** Whether its objects lie in a public folder: `https://cdn.NAME/media/`. */
  readonly isPublic?: boolean;
}

/** `here.example` and `there.example`, in one played internet. */
export async function playNeighbours(
  t: TestContext,
  options: { readonly here?: NeighbourOptions; readonly there?: NeighbourOptions } = {},
): Promise<Neighbourhood> {
  const internet = await playInternet(t);
  const here = await startNeighbour(t, internet, 'here.example', 1, options.here);
  const there = await startNeighbour(t, internet, 'there.example', 2, options.there);
  return { internet, here, there };
}

async function startNeighbour(
  t: TestContext,
  internet: PlayedInternet,
  name: string,
  number: number,
  { sections = {}, hasKey = true, isPublic = false }: NeighbourOptions = {},
): Promise<Neighbour> {
  const key = generateSigningKey();
  const keyFile = hasKey ? { signingKeyPath: await writeKey(t, key) } : {};
  const media = await makeFolder(t);
  const made = await makeServiceFolder(t, ENGINES[0], {
    homeservers: [{ name, csApi: 'http://127.0.0.1:9', ...keyFile }],
    ...sectionsOf(name, media, isPublic),
    ...sections,
  });
  const folder = { ...made, media };
  if (isPublic) await showFolder(internet, folder, name, number);
  internet.dns.set(name, 'A', [`10.0.0.${number}`]);
  const front = await internet.start(`10.0.0.${number} 8448`, { names: [name], otherwise: passOn(() => service.url) });
  front.answer('/_matrix/key/v2/server', { body: keyDocument(name, key) });
  const service = await startServiceIn(t, folder, process.env['PATH'], {
    resolver: internet.resolver,
    route: internet.routes.route,
    authorities: [internet.authority.pem],
  });
  const askAsClient: Neighbour['ask'] = (path, init = {}) => {
    return ask(service.url, path, { ...init, headers: { 'x-forwarded-host': name, ...init.headers } });
  };
  return {
    name,
    service,
    front,
    ask: askAsClient,
    upload: async (bytes, named) => (await uploadBytes(askAsClient, bytes, named)).slice('mxc://'.length),
    askedForMedia: () =>
      front.requests.map(({ path }) => path.replace(/\?.*/, '')).filter((path) => path.includes('/media/')),
  };
}

function sectionsOf(name: string, path: string, isPublic: boolean): ConfigSections {
  const appservice = { id: 'tests', asToken: TOKEN, senderUserId: `@tests:${name}` };
  const place = isPublic ? { publicBaseUrl: `https://cdn.${name}/media/` } : {};
  return {
    accessTokens: { useLocalAppserviceConfig: true, appservices: [appservice] },
    datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path, ...place } }],
  };
}

async function makeFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-neighbour-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** In a file of Synapse's form, gone after the test. */
export async function writeKey(t: Pick<TestContext, 'after'>, key: SigningKey): Promise<string> {
  const path = join(await makeFolder(t), 'signing.key');
  await writeFile(path, formatKeyFile('synapse', [key]));
  return path;
}

/** What a homeserver publishes about its key. */
export function keyDocument(name: string, key: SigningKey): Readonly<Record<string, unknown>> {
  const verifyKeys = { [key.keyId]: { key: publicTextOf(key) } };
  const validUntilTs = Date.now() + 3_600_000;
  const document = { server_name: name, valid_until_ts: validUntilTs, verify_keys: verifyKeys };
  return signJson(document, parseServerName(name), key);
}

/** As a store of objects would show them: types and names are what it was told with them, here one for all. */
async function showFolder(internet: PlayedInternet, { media }: ServiceFolder, name: string, number: number) {
  internet.dns.set(`cdn.${name}`, 'A', [`10.0.1.${number}`]);
  await internet.start(`10.0.1.${number} 443`, {
    names: [`cdn.${name}`],
    otherwise: ({ url = '', headers }, response) => {
      const isStranger = headers.authorization === undefined; // such a store refuses tokens that it does not know
      response.writeHead(isStranger ? 200 : 400, { 'content-type': 'image/x-from-the-store' });
      if (!isStranger) return void response.end();
      pipeline(createReadStream(join(media, url.slice('/media/'.length))), response, () => undefined);
    },
  });
}

/** As a reverse proxy does, with the `Host` that came. */
function passOn(target: () => string): Handle {
  return (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', headers, url = '/' } = incoming;
    const passed = request(`${target()}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => undefined); // what breaks on one side breaks on the other
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    passed.end();
  };
}
