import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { generateSigningKey } from '../src/federation/index.ts';
import type { FakeRemote } from './fake-remote.ts';
import { writeKey } from './neighbours.ts';
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

/** The server that media belongs to. */
export const REMOTE = 'remote.example';
export const BOUNDARY = 'aBoundaryThatNobodyGuesses';
export const BYTES = Buffer.from('Every byte of it');

/** Where the other server is asked for its media `mediaId`. */
export const signedPathOf = (mediaId: string) => `/_matrix/federation/v1/media/download/${mediaId}`;
/** Where clients ask for it. */
export const downloadOf = (mediaId: string) => `/_matrix/client/v1/media/download/${REMOTE}/${mediaId}`;

export interface PlayedOwner extends PlayedInternet {
  readonly remote: FakeRemote;
  readonly service: TestService;
  /** Paths of requests for media, without their queries. */
  asked(): readonly string[];
}

/** A service with a signing key, and another server that it can find. */
export async function playOwner(
  t: TestContext,
  sections: ConfigSections = {},
  engine: Engine = ENGINES[0],
): Promise<PlayedOwner> {
  const internet = await playInternet(t);
  internet.dns.set(REMOTE, 'A', ['10.0.0.1']);
  const remote = await internet.start('10.0.0.1 8448', { names: [REMOTE] });
  const signingKeyPath = await writeKey(t, generateSigningKey());
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

/**
 * The asker is refused. Or it gets a part, where that was on its way before anything went wrong, and its connection breaks:
 * a whole body with 200 is never what it gets.
 */
export async function assertNotServed(asked: Promise<Response>, expected: readonly unknown[]): Promise<void> {
  const answer = await asked;
  if (answer.status === 200) await assert.rejects(answer.arrayBuffer(), TypeError);
  else assert.deepEqual(await refusalOf(answer), expected);
}

export async function assertNothingKept(service: TestService): Promise<void> {
  assert.deepEqual(await listObjects(service), []);
  assert.deepEqual(await listTemporaries(service), []);
}

export async function listTemporaries({ media }: Pick<TestService, 'media'>): Promise<string[]> {
  return await readdir(join(media, '.vitrine-tmp'));
}
