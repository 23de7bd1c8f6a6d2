import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { askRaw } from '../../test/raw-client.ts';

const PATHS: readonly [path: string, allowed: string][] = [
  ['/healthz', 'GET, HEAD, OPTIONS'],
  ['/readyz', 'GET, HEAD, OPTIONS'],
  ['/_matrix/client/v1/media/config', 'GET, HEAD, OPTIONS'],
  ['/_matrix/media/unstable/local_copy/example.org/abc', 'GET, OPTIONS'],
  ['/_matrix/client/v1/media/download/example.org/abc', 'GET, HEAD, OPTIONS'],
  ['/_matrix/client/v1/media/download/example.org/abc/name.txt', 'GET, HEAD, OPTIONS'],
  ['/_matrix/client/v1/media/thumbnail/example.org/abc', 'GET, HEAD, OPTIONS'],
  ...['r0', 'v1', 'v3'].flatMap((version): [string, string][] => [
    [`/_matrix/media/${version}/upload`, 'OPTIONS, POST'],
    [`/_matrix/media/${version}/config`, 'GET, HEAD, OPTIONS'],
    [`/_matrix/media/${version}/download/example.org/abc`, 'GET, HEAD, OPTIONS'],
    [`/_matrix/media/${version}/download/example.org/abc/name.txt`, 'GET, HEAD, OPTIONS'],
    [`/_matrix/media/${version}/thumbnail/example.org/abc`, 'GET, HEAD, OPTIONS'],
  ]),
];
const METHODS = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'] as const;

for (const [path, allowed] of PATHS) {
  test(`${path} answers OPTIONS to anyone, and refuses all but ${allowed}`, async (t) => {
    const { app } = await createPlayedServer(t, { identify: async () => assert.fail('Nobody is to be asked') });
    for (const host of ['example.org', 'other.example.org']) {
      const answer = await app.inject({ method: 'OPTIONS', url: path, headers: { host, authorization: 'Bearer x' } });
      assert.equal(answer.statusCode, 204);
      assert.equal(answer.body, '');
      assert.equal(answer.headers['allow'], allowed);
      assert.equal(answer.headers['access-control-allow-methods'], allowed);
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      assert.equal(answer.headers['access-control-max-age'], '86400');
    }
    for (const method of METHODS.filter((name) => !allowed.includes(name))) {
      const answer = await app.inject({ method: method as 'GET', url: path, headers: { host: 'example.org' } });
      assert.equal(answer.statusCode, 405, method);
      assert.equal(answer.headers['allow'], allowed);
      if (method === 'HEAD') continue;
      assert.equal(answer.json().errcode, 'M_UNRECOGNIZED');
      assert.equal(answer.json().mr_errcode, 'M_METHOD_NOT_ALLOWED');
    }
  });
}

const UNKNOWN = [
  '/',
  '//',
  '/_matrix/media/unknown',
  '/_matrix/media/v3/unknown',
  '/_matrix/media/v2/upload',
  '/_matrix/media/v3/upload/',
  '/_matrix/media/v3//upload',
  '//_matrix/media/v3/upload',
  '/_matrix/media/v3/UPLOAD',
  '/_matrix/media/v3/./upload',
  '/_matrix/media/v3/x/../upload',
  '/_matrix/client/v1/media/upload',
  '/_matrix/client/v1/media/download/example.org',
  '/_matrix/client/v1/media/download/example.org/abc/name/more',
  '/_matrix/client/v1/media/thumbnail/example.org/abc/',
  '/_matrix/client/v1/media/download/example.org/',
  '/_matrix/client/v1/media/download/example.org/abc/',
  '/_matrix/client/v1/media/download/example.org/abc/?timeout_ms=0',
  '/_matrix/client/v1/media/download/example.org/abc/name/',
  '/_matrix/media/v3/download/',
  '/_matrix/media/v3/config/',
  '/%zz',
];
for (const path of UNKNOWN) {
  test(`${path} is no endpoint, for any method`, async (t) => {
    const { app } = await createPlayedServer(t);
    const port = await listenTo(app);
    for (const method of ['GET', 'POST', 'OPTIONS', 'PATCH']) {
      const headers = { host: 'example.org', authorization: `Bearer ${TOKEN}` };
      const answer = await askRaw(t, port, method, path, headers);
      assert.equal(answer.status, 404, method);
      const { errcode, mr_errcode } = JSON.parse(answer.body.toString());
      assert.deepEqual([errcode, mr_errcode], ['M_UNRECOGNIZED', 'M_NOT_FOUND']);
    }
  });
}

test('methods that HTTP has for other purposes are refused as such, on known paths', async (t) => {
  const { app } = await createPlayedServer(t);
  const port = await listenTo(app);
  for (const method of ['PROPFIND', 'MKCOL', 'LOCK', 'M-SEARCH', 'PURGE', 'SOURCE']) {
    const headers = { host: 'example.org' };
    const answer = await askRaw(t, port, method, '/_matrix/media/v3/upload', headers);
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers['allow'], 'OPTIONS, POST');
    assert.equal(JSON.parse(answer.body.toString()).errcode, 'M_UNRECOGNIZED');
    assert.equal((await askRaw(t, port, method, '/nothing', headers)).status, 404, method);
  }
});

test('OPTIONS * is about the server as a whole, and * is no path for other methods', async (t) => {
  const { app } = await createPlayedServer(t);
  const port = await listenTo(app);
  const answer = await askRaw(t, port, 'OPTIONS', '*', { host: 'example.org' });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['allow'], 'GET, HEAD, OPTIONS, POST, PUT');
  for (const [method, path] of [
    ['GET', '*'],
    ['OPTIONS', '/*'],
  ] as const) {
    assert.equal((await askRaw(t, port, method, path, { host: 'example.org' })).status, 404);
  }
});
