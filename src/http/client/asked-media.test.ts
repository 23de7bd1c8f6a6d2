import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlayedServer, listenTo, TOKEN } from '../../../test/http-server.ts';
import { askRaw } from '../../../test/raw-client.ts';
import { NotFound } from '../../matrix/index.ts';

const host = 'example.org';
const authorization = `Bearer ${TOKEN}`;
const ENDPOINTS = [
  '/_matrix/client/v1/media/download',
  '/_matrix/media/v3/download',
  '/_matrix/client/v1/media/thumbnail',
  '/_matrix/media/r0/thumbnail',
];

const INVALID = [
  'example.org/%2e%2e%2fetc%2fpasswd',
  'example.org/..%2f..%2fetc',
  'example.org/a%2Fb',
  'example.org/..',
  'example.org/%2e%2e',
  'example.org/%252e%252e%252f',
  'example.org/a%5Cb',
  'example.org/%00',
  'example.org/a%0d%0ab',
  'example.org/%F0%9F%90%94',
  `example.org/${'a'.repeat(256)}`,
  `example.org/${'a'.repeat(12_000)}`,
  '/abc',
  'example.org%2Fabc/abc',
  '..%2f..%2fetc/abc',
  '../abc',
  '%2e%2e/abc',
  'example%00.org/abc',
  'user@example.org/abc',
  'example.org:99999/abc',
  'ex%20ample.org/abc',
  '[::1/abc',
  '1.2.3.4.5%2f/abc',
  `${'a'.repeat(300)}/abc`,
];
for (const path of INVALID) {
  test(`${path.slice(0, 60)} is refused before anything is looked up, and after the token`, async (t) => {
    const fail = async () => assert.fail('Nothing is to be looked up');
    const { app } = await createPlayedServer(t, { open: fail, openThumbnail: fail });
    const port = await listenTo(app);
    for (const endpoint of ENDPOINTS) {
      const url = `${endpoint}/${path}?width=10&height=10`;
      const answer = await askRaw(t, port, 'GET', url, { host, authorization });
      assert.equal(answer.status, 400, endpoint);
      assert.equal(JSON.parse(answer.body.toString()).errcode, 'M_INVALID_PARAM');
      const nobody = await askRaw(t, port, 'GET', url, { host });
      assert.equal(nobody.status, endpoint.includes('client') ? 401 : 400);
    }
  });
}

for (const path of [
  'example.org/%',
  'example.org/%zz',
  'example.org/%c0%ae%c0%ae',
  'example.org/%ff',
  '%E0%A4%A/abc',
]) {
  test(`${path}, which nobody can decode, is refused, and after the token`, async (t) => {
    const { app } = await createPlayedServer(t);
    for (const endpoint of ENDPOINTS) {
      const url = `${endpoint}/${path}?width=10&height=10`;
      const answer = await app.inject({ url, headers: { host, authorization } });
      assert.equal(answer.statusCode, 400);
      assert.equal(answer.json().mr_errcode, 'M_BAD_REQUEST');
      const nobody = await app.inject({ url, headers: { host } });
      assert.equal(nobody.statusCode, endpoint.includes('client') ? 401 : 400);
    }
  });
}

test('names with ports and letters of both cases, and odd old IDs, are looked up as they are', async (t) => {
  const seen: unknown[] = [];
  const open = async (uri: unknown) => {
    seen.push(uri);
    throw new NotFound();
  };
  const { app } = await createPlayedServer(t, { open });
  for (const path of ['Example.org:8448/AbC_-', '%5B2001:db8::1%5D:80/ipfs:abc', '192.0.2.1/a.b']) {
    const answer = await app.inject({ url: `${ENDPOINTS[0]}/${path}`, headers: { host, authorization } });
    assert.equal(answer.statusCode, 404);
  }
  assert.deepEqual(seen, [
    { origin: 'Example.org:8448', mediaId: 'AbC_-' },
    { origin: '[2001:db8::1]:80', mediaId: 'ipfs:abc' },
    { origin: '192.0.2.1', mediaId: 'a.b' },
  ]);
});
