import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as openRequest } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { request } from 'undici';
import { type FakeHomeserver, startFakeHomeserver } from './fake-homeserver.ts';
import { readFences } from './markdown.ts';
import { skipWithoutNginx, startNginx } from './nginx.ts';
import { makePng, sizeOf } from './pictures.ts';
import { ENGINES, SERVER_NAME, startTestService } from './service.ts';

// The example of docs/reverse-proxies.md, run by a real nginx in front of the real service.

const skip = skipWithoutNginx();
const [sqlite] = ENGINES;
const MAX_BYTES = 6_000_000;
/** Not one of the ranges for documentation: those are nobody's, and would not be believed anyway. */
const SPOOFED = '8.8.8.8';

interface Setup {
  /** Of nginx. */
  readonly url: string;
  /** Of the service behind it. */
  readonly direct: string;
  readonly homeserver: FakeHomeserver;
  readonly token: string;
}

async function setUp(t: TestContext): Promise<Setup> {
  const homeserver = await startFakeHomeserver({ serverName: SERVER_NAME });
  t.after(() => homeserver[Symbol.asyncDispose]());
  const token = homeserver.addUser('alice');
  const service = await startTestService(t, sqlite, {
    homeservers: [{ name: SERVER_NAME, csApi: homeserver.url }],
    uploads: { maxBytes: MAX_BYTES },
  });
  const example = await readExample();
  const url = await startNginx(t, (port) =>
    fillIn(example, { port, vitrine: service.url, homeserver: homeserver.url }),
  );
  return { url, direct: service.url, homeserver, token };
}

async function readExample(): Promise<string> {
  const page = await readFile(new URL('../docs/reverse-proxies.md', import.meta.url), 'utf8');
  const [fence, ...others] = readFences(page).filter(({ language }) => language === 'nginx');
  assert.ok(fence !== undefined && others.length === 0, 'docs/reverse-proxies.md has one example for nginx');
  return fence.body;
}

/** Other ports, no certificate. Whatever is to be replaced has to be there once. */
function fillIn(example: string, at: { port: number; vitrine: string; homeserver: string }): string {
  const replacements: readonly (readonly [RegExp, string])[] = [
    [/listen 443 ssl;/g, `listen 127.0.0.1:${at.port};`],
    [/^\s*listen \[::\]:443 ssl;\n/gm, ''],
    [/^\s*ssl_certificate .*\n/gm, ''],
    [/^\s*ssl_certificate_key .*\n/gm, ''],
    [/server 127\.0\.0\.1:8000;/g, `server ${new URL(at.vitrine).host};`],
    [/http:\/\/127\.0\.0\.1:8008/g, at.homeserver],
  ];
  return replacements.reduce((text, [pattern, replacement]) => {
    assert.equal(text.match(pattern)?.length, 1, `the example has ${pattern} once`);
    return text.replace(pattern, replacement);
  }, example);
}

type Options = NonNullable<Parameters<typeof request>[1]>;

/** As alice, to the right host, unless the headers say something else. */
function ask({ url, token }: Pick<Setup, 'url' | 'token'>, path: string, options: Options = {}) {
  const headers = { host: SERVER_NAME, authorization: `Bearer ${token}`, ...options.headers };
  return request(url + path, { ...options, headers });
}

async function upload(setup: Setup, body: Buffer, type = 'application/octet-stream'): Promise<string> {
  const answer = await ask(setup, '/_matrix/media/v3/upload', {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  assert.equal(answer.statusCode, 200);
  const { content_uri: uri } = (await answer.body.json()) as { content_uri: string };
  return uri.slice('mxc://'.length);
}

test('behind nginx, 5 MB come back as they were sent, whole and in part', { skip }, async (t) => {
  const setup = await setUp(t);
  const bytes = randomBytes(5_000_000);
  const path = `/_matrix/client/v1/media/download/${await upload(setup, bytes)}`;

  const whole = await ask(setup, path);
  assert.equal(whole.statusCode, 200);
  assert.equal(whole.headers['content-length'], String(bytes.length));
  assert.ok(whole.headers['content-security-policy']);
  assert.ok(bytes.equals(Buffer.from(await whole.body.arrayBuffer())));

  const part = await ask(setup, path, { headers: { range: 'bytes=1000-1999' } });
  assert.equal(part.statusCode, 206);
  assert.equal(part.headers['content-range'], `bytes 1000-1999/${bytes.length}`);
  assert.ok(bytes.subarray(1000, 2000).equals(Buffer.from(await part.body.arrayBuffer())));
});

test('behind nginx, a picture has a thumbnail', { skip }, async (t) => {
  const setup = await setUp(t);
  const media = await upload(setup, await makePng({ width: 640, height: 480 }), 'image/png');

  const answer = await ask(setup, `/_matrix/client/v1/media/thumbnail/${media}?width=96&height=96&method=crop`);

  assert.equal(answer.statusCode, 200);
  assert.deepEqual(await sizeOf(Buffer.from(await answer.body.arrayBuffer())), { width: 96, height: 96 });
});

for (const [name, body] of Object.entries({
  'with a length': () => Buffer.alloc(MAX_BYTES + 1),
  'without a length': () => Readable.from(Array.from({ length: 13 }, () => Buffer.alloc(500_000))),
})) {
  test(`behind nginx, an upload ${name} that is too large gets an answer that clients understand`, {
    skip,
  }, async (t) => {
    const setup = await setUp(t);
    const answer = await ask(setup, '/_matrix/media/v3/upload', { method: 'POST', body: body() });
    assert.equal(answer.statusCode, 413);
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(((await answer.body.json()) as { errcode: string }).errcode, 'M_TOO_LARGE');
  });
}

test('behind nginx, a client that announces too much is refused before it has sent it', { skip }, async (t) => {
  const { url, token } = await setUp(t);
  const sending = openRequest(`${url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { host: SERVER_NAME, authorization: `Bearer ${token}`, 'content-length': MAX_BYTES + 1 },
  });
  sending.on('error', () => undefined); // it is broken off below
  sending.write(Buffer.alloc(1000));
  const [response] = await once(sending, 'response');
  assert.equal(response.statusCode, 413);
  assert.equal(((await json(response)) as { errcode: string }).errcode, 'M_TOO_LARGE');
  sending.destroy();
});

test('behind nginx, a host that is not served is refused, whatever the client forwards', { skip }, async (t) => {
  const setup = await setUp(t);
  const headers = { host: 'other.example.net', 'x-forwarded-host': SERVER_NAME };
  const answer = await ask(setup, '/_matrix/client/v1/media/config', { headers });
  assert.equal(answer.statusCode, 502);
  assert.match(((await answer.body.json()) as { error: string }).error, /does not serve the host/);
});

test('behind nginx, browsers may ask from any page', { skip }, async (t) => {
  const setup = await setUp(t);
  const answer = await ask(setup, '/_matrix/media/v3/upload', { method: 'OPTIONS' });
  assert.equal(answer.statusCode, 204);
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  assert.match(String(answer.headers['access-control-allow-methods']), /POST/);
  assert.match(String(answer.headers['access-control-allow-headers']), /Authorization/);
});

test('behind nginx, a client cannot choose its address', { skip }, async (t) => {
  const setup = await setUp(t);
  const headers = { 'x-forwarded-for': SPOOFED, 'x-forwarded-host': SERVER_NAME };
  for (const url of [setup.direct, setup.url]) {
    const answer = await ask({ ...setup, url }, '/_matrix/client/v1/media/config', { headers });
    assert.equal(answer.statusCode, 200);
    await answer.body.dump();
  }
  const told = setup.homeserver.requests.map((seen) => seen.headers['x-forwarded-for']);
  // Without nginx it could, which shows that the header would have counted.
  assert.deepEqual(told, [SPOOFED, '127.0.0.1']);
});

test('behind nginx, encoded slashes in a path stay encoded', { skip }, async (t) => {
  const setup = await setUp(t);
  const answer = await ask(setup, `/_matrix/media/v3/download/${SERVER_NAME}/a%2Fb`);
  assert.equal(answer.statusCode, 400);
  assert.equal(((await answer.body.json()) as { errcode: string }).errcode, 'M_INVALID_PARAM');
});

test('behind nginx, media for other servers is asked for here, by a path that is as it was signed', {
  skip,
}, async (t) => {
  const setup = await setUp(t);
  const answer = await ask(setup, '/_matrix/federation/v1/media/download/%61bc?');
  assert.equal(answer.statusCode, 401);
  assert.equal(((await answer.body.json()) as { errcode: string }).errcode, 'M_UNAUTHORIZED');
  assert.equal(setup.homeserver.requests.length, 0);
});

test('behind nginx, all other paths are the homeserver’s', { skip }, async (t) => {
  const setup = await setUp(t);
  for (const path of ['/_matrix/client/v3/sync', '/_matrix/client/v1/mediator', '/_matrix/federation/v1/version']) {
    const answer = await ask(setup, path);
    assert.equal(((await answer.body.json()) as { errcode: string }).errcode, 'M_UNRECOGNIZED');
    assert.equal(setup.homeserver.requests.at(-1)?.path, path);
  }
});
