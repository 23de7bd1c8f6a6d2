import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { formatKeyFile, generateSigningKey } from '../src/federation/index.ts';
import type { FakeRemote } from './fake-remote.ts';
import { type PlayedInternet, playInternet } from './played-internet.ts';
import {
  type ConfigSections,
  ENGINES,
  type Engine,
  listObjects,
  SERVER_NAME,
  startTestService,
  type TestService,
} from './service.ts';

export const REMOTE = 'remote.example';
export const SIGNED = '/_matrix/federation/v1/media/download/abc';
export const OPEN_V3 = `/_matrix/media/v3/download/${REMOTE}/abc`;
export const DOWNLOAD = `/_matrix/client/v1/media/download/${REMOTE}/abc`;
export const BOUNDARY = 'aBoundaryThatNobodyGuesses';
export const BYTES = Buffer.from('Every byte of it');

export interface Played extends PlayedInternet {
  readonly remote: FakeRemote;
  readonly service: TestService;
  /** Paths of requests for media, without their queries. */
  asked(): readonly string[];
}

/** A service with a signing key, and another server that it can find. */
export async function play(
  t: TestContext,
  sections: ConfigSections = {},
  engine: Engine = ENGINES[0],
): Promise<Played> {
  const internet = await playInternet(t);
  internet.dns.set(REMOTE, 'A', ['10.0.0.1']);
  const remote = await internet.start('10.0.0.1 8448', { names: [REMOTE] });
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-key-'));
  t.after(() => rm(folder, { recursive: true }));
  const signingKeyPath = join(folder, 'signing.key');
  await writeFile(signingKeyPath, formatKeyFile('synapse', [generateSigningKey()]));
  const homeservers = [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9', signingKeyPath }];
  const { resolver, routes, authority } = internet;
  const outside = { resolver, route: routes.route, authorities: [authority.pem] };
  const service = await startTestService(t, engine, { homeservers, ...sections }, undefined, outside);
  const asked = () =>
    remote.requests.map(({ path }) => path.replace(/\?.*/, '')).filter((path) => path.includes('/media/'));
  return { ...internet, remote, service, asked };
}

interface Part {
  readonly type?: string;
  readonly name?: string;
  readonly location?: string;
}

/** What another server answers, whole and right. */
export function multipart(bytes: Buffer, { type = 'text/plain', name, location }: Part = {}, lineEnd = '\r\n'): Buffer {
  const head = [
    `--${BOUNDARY}`,
    'Content-Type: application/json',
    '',
    '{}',
    `--${BOUNDARY}`,
    ...(type === '' ? [] : [`Content-Type: ${type}`]),
    ...(name === undefined ? [] : [`Content-Disposition: attachment; filename="${name}"`]),
    ...(location === undefined ? [] : [`Location: ${location}`]),
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join(lineEnd)), bytes, Buffer.from(`${lineEnd}--${BOUNDARY}--${lineEnd}`)]);
}

export function answering(body: Buffer, type = `multipart/mixed; boundary=${BOUNDARY}`) {
  return (_request: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    response.end(body);
  };
}

export async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

export async function refusalOf(answer: Response): Promise<readonly unknown[]> {
  const body = (await answer.json()) as { errcode?: unknown };
  return [answer.status, body.errcode];
}

export async function assertNothingKept(service: TestService): Promise<void> {
  assert.deepEqual(await listObjects(service), []);
  assert.deepEqual(await readdir(join(service.media, '.vitrine-tmp')), []);
}
