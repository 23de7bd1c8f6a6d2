import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { request } from 'undici';
import { createPlayedServer, listenTo } from '../../../test/http-server.ts';
import { playMedia, playObject } from '../../../test/played-media.ts';
import { openRawClient } from '../../../test/raw-client.ts';
import { createRequestVerifier } from '../../federation/index.ts';
import { parseServerName } from '../../matrix/index.ts';
import type { OpenMedia } from '../../media/index.ts';

const PATH = '/_matrix/federation/v1/media/download/abc';
const BYTES = randomBytes(200_000);
const VERIFIED = { origin: parseServerName('remote.example.net'), destination: parseServerName('example.org') };

/** The surface with media behind it, and a verifier that believes everybody. */
async function start(t: TestContext, object: OpenMedia['object']) {
  const media = playMedia(object, { type: 'image/png' });
  const played = { open: async () => media, verifyRequest: async () => VERIFIED };
  const { app, logged } = await createPlayedServer(t, played);
  const port = await listenTo(app);
  const ask = async (method: 'GET' | 'HEAD' = 'GET') => {
    const url = `http://127.0.0.1:${port}${PATH}`;
    const { statusCode, headers, body } = await request(url, { method, headers: { host: 'example.org' } });
    return { statusCode, headers, payload: Buffer.from(await body.arrayBuffer()) };
  };
  return { port, logged, ask };
}

test('FED-5, FED-8: media in a public folder is told by its place, without bytes', async (t) => {
  const publicUrl = 'https://media.example.org/aa/bb/cc';
  const { ask } = await start(t, { ...playObject(BYTES), redirect: { isPreferred: true, url: async () => publicUrl } });
  const { headers, payload, statusCode } = await ask();
  const boundary = String(headers['content-type']).slice('multipart/mixed; boundary='.length);
  assert.equal(statusCode, 200);
  assert.equal(
    payload.toString(),
    `--${boundary}\r\nContent-Type: application/json\r\n\r\n{}\r\n--${boundary}\r\nLocation: ${publicUrl}\r\n\r\n\r\n--${boundary}--\r\n`,
  );
  assert.equal(headers['content-length'], String(payload.length));
  assert.deepEqual([headers['cache-control'], headers['etag']], ['no-store', undefined]);
  const head = await ask('HEAD');
  assert.deepEqual([head.payload.length, head.headers['content-length']], [0, headers['content-length']]);
});

test('media in memory and media from a datastore are sent alike', async (t) => {
  for (const object of [playObject(BYTES), { ...playObject(BYTES), bytes: BYTES }]) {
    const { ask } = await start(t, object);
    const { payload, headers } = await ask();
    assert.equal(headers['content-length'], String(payload.length));
    const from = payload.indexOf('\r\n\r\n', payload.indexOf('image/png')) + 4;
    assert.ok(payload.subarray(from, from + BYTES.length).equals(BYTES));
  }
});

test('media that breaks off breaks the connection, and has no end that looks like one', async (t) => {
  const object = {
    ...playObject(BYTES),
    async *read() {
      yield BYTES.subarray(0, 1000);
      throw new Error('the disk is gone');
    },
  };
  const { port, logged } = await start(t, object);
  const client = await openRawClient(t, port);
  await client.write(`GET ${PATH} HTTP/1.1\r\nHost: example.org\r\n\r\n`);
  const received = await client.readToEnd().catch(() => Buffer.alloc(0)); // a reset loses what was not read
  assert.ok(!received.subarray(-10).includes('--\r\n'));
  assert.equal(logged.filter(({ msg }) => msg === 'An answer broke off while its body was sent').length, 1);
});

test('the log tells which server has asked', async (t) => {
  const { ask, logged } = await start(t, playObject(BYTES));
  await ask();
  assert.equal(logged.find(({ msg }) => msg === 'Answered a request')?.['authServer'], 'remote.example.net');
});

test('whatever stands in the authorization, it is refused, and the next request is answered', async (t) => {
  const verifyRequest = createRequestVerifier({ findKey: async () => undefined, isOwn: () => true });
  const { app } = await createPlayedServer(t, { verifyRequest });
  const client = await openRawClient(t, await listenTo(app));
  const names = fc.constantFrom('origin', 'destination', 'key', 'sig', 'Origin', 'x', '', 'o"r');
  const values = fc.oneof(
    fc.constantFrom(
      'example.net',
      'example.org',
      'ed25519:a',
      '"',
      '\\',
      '"\\"',
      'a,b',
      '[::1]:1',
      '__proto__',
      '=',
      '',
    ),
    fc.string({ maxLength: 40 }),
  );
  const quoted = fc.tuple(values, fc.constantFrom('', '"', "'")).map(([value, quote]) => quote + value + quote);
  const lists = fc.array(
    fc.tuple(names, quoted).map(([name, value]) => `${name}=${value}`),
    { maxLength: 12 },
  );
  const header = fc
    .tuple(
      fc.constantFrom('X-Matrix ', 'x-matrix\t', 'X-Matrix', 'Bearer ', ''),
      lists,
      fc.constantFrom(',', ', ', ',,'),
    )
    .map(([scheme, list, comma]) => (scheme + list.join(comma)).replace(/[^\t\x20-\x7e\x80-\xff]/g, '?'));
  await fc.assert(
    fc.asyncProperty(fc.array(header, { maxLength: 3 }), async (headers) => {
      const lines = headers.map((value) => `Authorization: ${value}\r\n`).join('');
      await client.write(Buffer.from(`GET ${PATH} HTTP/1.1\r\nHost: example.org\r\n${lines}\r\n`, 'latin1'));
      const { status, body } = await client.readAnswer();
      assert.equal(status, 401, body.toString());
      assert.equal((JSON.parse(body.toString()) as Record<string, unknown>)['errcode'], 'M_UNAUTHORIZED');
    }),
    { numRuns: 300 },
  );
});
