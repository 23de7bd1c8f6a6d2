import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { playMedia, playObject } from '../../test/played-media.ts';
import { askRaw, openRawClient } from '../../test/raw-client.ts';
import { COMMON_HEADERS } from './headers.ts';

const ALLOW_METHODS = 'access-control-allow-methods'; // OPTIONS names those of the path
const authorization = `Bearer ${TOKEN}`;
const FILE = '/_matrix/client/v1/media/download/example.org/abc';

function assertCommonHeaders(headers: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(COMMON_HEADERS)) {
    if (name === ALLOW_METHODS) assert.match(String(headers[name.toLowerCase()]), /GET|POST/);
    else assert.equal(headers[name.toLowerCase()], value, name);
  }
  assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
}

const ANSWERS: readonly [
  status: number,
  request: { method?: 'GET' | 'HEAD' | 'POST' | 'OPTIONS' | 'PROPFIND'; url: string; host?: string },
][] = [
  [200, { url: '/healthz' }],
  [200, { url: '/healthz', method: 'HEAD' }],
  [204, { url: FILE, method: 'OPTIONS' }],
  [404, { url: '/%zz' }],
  [404, { url: '/healthz/' }],
  [405, { url: FILE, method: 'PROPFIND' }],
  [204, { url: '*', method: 'OPTIONS' }],
  [400, { url: '/_matrix/client/v1/media/download/example.org/%00' }],
  [401, { url: '/_matrix/media/v3/upload', method: 'POST' }],
  [404, { url: '/nothing' }],
  [404, { url: '/nothing', method: 'OPTIONS' }],
  [405, { url: FILE, method: 'POST' }],
  [500, { url: FILE }],
  [502, { url: FILE, host: 'other.example.org' }],
];
for (const [status, { method = 'GET', url, host = 'example.org' }] of ANSWERS) {
  test(`${status} for ${method} ${url} at ${host} has the headers that every answer has`, async (t) => {
    const { app, logged } = await createPlayedServer(t);
    const isUpload = url.endsWith('upload');
    const headers = { host, ...(isUpload ? {} : { authorization }) };
    const answer = await askRaw(t, await listenTo(app), method, url, headers);
    assert.equal(answer.status, status);
    assertCommonHeaders(answer.headers);
    if (status >= 400) {
      assert.deepEqual(Object.keys(JSON.parse(answer.body.toString())).sort(), ['errcode', 'error', 'mr_errcode']);
      assert.equal(answer.headers['content-type'], 'application/json');
    }
    const line = logged.find(({ msg }) => msg === 'Answered a request');
    if (url !== '/healthz') {
      assert.equal(line?.['status'], status);
      assert.equal(line?.['requestId'], answer.headers['x-request-id']);
    }
  });
}

const BROKEN: readonly [what: string, bytes: string, status: number][] = [
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['headers that are too long', `GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['a method that there is not', 'BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['two lengths', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 400],
  ['a length twice', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 400],
  [
    'a length and chunks',
    'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'chunks that are not the last encoding',
    'POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a length that is no number', 'POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
  ['a folded header', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\tfolded\r\nA : b\r\n\r\n', 400],
];
for (const [what, bytes, status] of BROKEN) {
  test(`${what} is refused with ${status}, in JSON with the headers of every answer`, async (t) => {
    const { app, logged } = await createPlayedServer(t);
    const client = await openRawClient(t, await listenTo(app));
    await client.write(bytes);
    const answer = await client.readAnswer();
    assert.equal(answer.status, status);
    assertCommonHeaders(answer.headers);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['connection'], 'close');
    assert.equal(JSON.parse(answer.body.toString()).mr_errcode, 'M_BAD_REQUEST');
    assert.equal((await client.readToEnd()).length, 0);
    assert.ok(logged.some(({ requestId }) => requestId === answer.headers['x-request-id']));
  });
}

test('bytes that are no request are answered after a good request, and never in the midst of an answer', async (t) => {
  const object = {
    ...playObject(Buffer.alloc(10)),
    async *read(_range: unknown, signal: AbortSignal) {
      yield Buffer.alloc(5);
      await once(signal, 'abort');
    },
  };
  const { app } = await createPlayedServer(t, { open: async () => playMedia(object) });
  const port = await listenTo(app);
  const client = await openRawClient(t, port);
  await client.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal((await client.readAnswer()).status, 200);
  await client.write('hello\r\n\r\n');
  assert.equal((await client.readAnswer()).status, 400);

  const other = await openRawClient(t, port);
  await other.write(`GET ${FILE} HTTP/1.1\r\nHost: example.org\r\nAuthorization: ${authorization}\r\n\r\n`);
  await once(other.socket, 'data');
  await other.write('hello\r\n\r\n');
  assert.doesNotMatch((await other.readToEnd()).toString('latin1'), /errcode/);
});

test('a client that goes on sending endless headers still gets to know why it is refused', async (t) => {
  const { app } = await createPlayedServer(t);
  const client = await openRawClient(t, await listenTo(app));
  await client.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  for (let sent = 0; sent < 5_000_000; sent += 10_000) await client.write(`X: ${'x'.repeat(10_000)}\r\n`);
  assert.equal((await client.readAnswer()).status, 431);
});

test('a client that asks on and on without waiting for answers is cut off, and what it wanted is given up', async (t) => {
  let open = 0;
  const { app, logged } = await createPlayedServer(t, {
    open: async (_uri, _asker, signal) => {
      open += 1;
      await once(signal, 'abort');
      open -= 1;
      throw signal.reason;
    },
  });
  const client = await openRawClient(t, await listenTo(app));
  const request = `GET ${FILE} HTTP/1.1\r\nHost: example.org\r\nAuthorization: ${authorization}\r\n\r\n`;
  await client.write(request.repeat(32));
  while (open < 32) await setImmediate();
  await client.write(request.repeat(1000));
  await assert.rejects(client.readToEnd(), { code: 'ECONNRESET' });
  while (open > 0) await setImmediate();
  assert.ok(logged.some(({ msg }) => msg === 'The client asks on without waiting, and is cut off'));
});

test('the health endpoints answer any host, without a token', async (t) => {
  const trouble = new Map([
    ['database', undefined],
    ['datastore main', 'cannot be used at the moment'],
  ]);
  const { app } = await createPlayedServer(t, { checkReadiness: async () => trouble });
  for (const host of ['example.org', 'other.example.org', '127.0.0.1:8000', '']) {
    const alive = await app.inject({ url: '/healthz', headers: { host } });
    assert.equal(alive.statusCode, 200);
    assert.deepEqual(alive.json(), { ok: true, status: 'Probably not dead' });
    assert.equal(alive.headers['cache-control'], 'no-store');
    const ready = await app.inject({ url: '/readyz', headers: { host } });
    assert.equal(ready.statusCode, 503);
    assert.deepEqual(ready.json(), {
      ok: false,
      parts: { database: 'ok', 'datastore main': 'cannot be used at the moment' },
    });
  }
});

test('a service whose parts are well is ready', async (t) => {
  const { app } = await createPlayedServer(t, { checkReadiness: async () => new Map([['database', undefined]]) });
  const ready = await app.inject('/readyz');
  assert.equal(ready.statusCode, 200);
  assert.deepEqual(ready.json(), { ok: true, parts: { database: 'ok' } });
});

test('bytes that are no request take no place of an answer that is due', async (t) => {
  const due = Promise.withResolvers<Map<string, undefined>>();
  const { app } = await createPlayedServer(t, { checkReadiness: () => due.promise });
  const client = await openRawClient(t, await listenTo(app));
  await client.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n');
  assert.equal((await client.readToEnd()).length, 0);
  due.resolve(new Map());
});

test('an expectation that is not known does no harm', async (t) => {
  const { app } = await createPlayedServer(t);
  const client = await openRawClient(t, await listenTo(app));
  await client.write('GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n');
  assert.equal((await client.readAnswer()).status, 200);
});

test('a token is in no line of the log, wherever and however it was sent', async (t) => {
  const secret = 'very-secret-token';
  const identify = async () => Promise.reject(new Error('The database is broken'));
  const { app, logged } = await createPlayedServer(t, { identify });
  for (const url of [
    `/_matrix/media/v3/config?access%5Ftoken=${secret}`,
    `/nothing?access_token=${secret}`,
    `/%zz?access_token=${secret}`,
  ]) {
    await app.inject({ url, headers: { host: 'example.org' } });
  }
  const headers = { host: 'example.org', authorization: `Bearer ${secret}` };
  assert.equal((await app.inject({ url: '/_matrix/media/v3/config', headers })).statusCode, 500);
  assert.ok(logged.length >= 8);
  assert.doesNotMatch(JSON.stringify(logged), /very-secret-token/);
});

test('the line of a request tells who asked for what, and how it ended', async (t) => {
  const { app, logged } = await createPlayedServer(t);
  const path = `/_matrix/media/v3/config?access_token=${TOKEN}`;
  const headers = { host: 'example.org', 'user-agent': 'a client', 'x-forwarded-for': '8.8.8.8' };
  const answer = await askRaw(t, await listenTo(app), 'GET', path, headers);
  const { time, durationMs, ...line } = logged.find(({ msg }) => msg === 'Answered a request') ?? {};
  assert.equal(typeof durationMs, 'number');
  assert.match(String(time), / Z$/);
  assert.deepEqual(line, {
    level: 'info',
    msg: 'Answered a request',
    requestId: answer.headers['x-request-id'],
    method: 'GET',
    resource: '/_matrix/media/v3/config',
    status: 200,
    bytes: answer.body.length,
    host: 'example.org',
    remoteAddr: '8.8.8.8',
    authUserId: '@alice:example.org',
    userAgent: 'a client',
  });
});
