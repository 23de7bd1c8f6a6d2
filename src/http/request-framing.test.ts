import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { openRawClient } from '../../test/raw-client.ts';
import { parseMediaId, parseServerName } from '../matrix/index.ts';

const UPLOAD = 'POST /_matrix/media/v3/upload HTTP/1.1\r\n';
const HEADERS = `Host: example.org\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const CHUNKED = `${UPLOAD}${HEADERS}Transfer-Encoding: chunked\r\n\r\n`;
const SMUGGLED = `GET /_matrix/client/v1/media/config HTTP/1.1\r\n${HEADERS}\r\n`;

const AMBIGUOUS: readonly [what: string, bytes: string, status: number][] = [
  ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: example.org\r\nHost: other.example.org\r\n\r\n', 400],
  ['a host twice', 'GET /healthz HTTP/1.1\r\nHost: example.org\r\nhost: example.org\r\n\r\n', 400],
  ['a list of hosts', 'GET /healthz HTTP/1.1\r\nHost: example.org, other.example.org\r\n\r\n', 400],
  ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['a host with a path', 'GET /healthz HTTP/1.1\r\nHost: example.org/healthz\r\n\r\n', 400],
  ['another host in the URL', 'GET http://other.example.org/healthz HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
  ['a user in the URL', 'GET http://a@example.org/healthz HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
  ['an unknown coding', `${UPLOAD}${HEADERS}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501],
  [
    'an unknown coding in a header of its own',
    `${UPLOAD}${HEADERS}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    501,
  ],
  ['chunks twice', `${UPLOAD}${HEADERS}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`, 400],
  ['an empty coding', `${UPLOAD}${HEADERS}Transfer-Encoding:\r\n\r\n0\r\n\r\n`, 400],
  ['no chunks at all', `${UPLOAD}${HEADERS}Transfer-Encoding: gzip\r\n\r\n`, 501],
  [
    'chunks in HTTP/1.0',
    `POST /_matrix/media/v3/upload HTTP/1.0\r\n${HEADERS}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['another version', 'GET /healthz HTTP/2.0\r\nHost: example.org\r\n\r\n', 505],
  ['no version', 'GET /healthz\r\n\r\n', 505],
  ['lines without a carriage return', 'GET /healthz HTTP/1.1\nHost: example.org\n\n', 400],
  ['one line without a carriage return', 'GET /healthz HTTP/1.1\r\nHost: example.org\nX: y\r\n\r\n', 400],
  ['a carriage return in a value', 'GET /healthz HTTP/1.1\r\nHost: example.org\rX: y\r\n\r\n', 400],
  ['a folded value', 'GET /healthz HTTP/1.1\r\nHost: example.org\r\nX: y\r\n folded\r\n\r\n', 400],
  ['a space before the colon', 'GET /healthz HTTP/1.1\r\nHost : example.org\r\n\r\n', 400],
  ['a null in a value', 'GET /healthz HTTP/1.1\r\nHost: example.org\r\nX: a\0b\r\n\r\n', 400],
  ['a null in the path', 'GET /healthz\0 HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
  ['a list of lengths', `${UPLOAD}${HEADERS}Content-Length: 3, 3\r\n\r\nabc`, 400],
  ['a length with a sign', `${UPLOAD}${HEADERS}Content-Length: +3\r\n\r\nabc`, 400],
  ['an endless length', `${UPLOAD}${HEADERS}Content-Length: 99999999999999999999999\r\n\r\nabc`, 400],
  ['a chunk without a carriage return', `${CHUNKED}3\nabc\n0\n\n`, 400],
  ['a chunk extension without a carriage return', `${CHUNKED}3;a=b\nabc\r\n0\r\n\r\n`, 400],
  ['a chunk that is longer than it says', `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`, 400],
  ['a negative chunk', `${CHUNKED}-3\r\nabc\r\n0\r\n\r\n`, 400],
  ['an endless chunk', `${CHUNKED}fffffffffffffffffff\r\nabc\r\n0\r\n\r\n`, 400],
  ['endless chunk extensions', `${CHUNKED}3;${'x'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`, 413],
  ['endless trailers', `${CHUNKED}3\r\nabc\r\n0\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['a wish for a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n', 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
];
for (const [what, bytes, status] of AMBIGUOUS) {
  test(`a request with ${what} is refused with ${status}, and what follows it is no request`, async (t) => {
    const seen: string[] = [];
    const identify = async ({ token }: { readonly token: string }) => {
      seen.push(token);
      return { userId: '@alice:example.org', isGuest: false, isSharedSecret: false, isRepoAdmin: false };
    };
    const upload = async (...[, , asked]: Parameters<Parts['upload']>) => {
      for await (const _chunk of asked.startBody());
      return assert.fail('Nothing is to be stored');
    };
    const { app } = await createPlayedServer(t, { identify, upload });
    const client = await openRawClient(t, await listenTo(app));
    await client.write(Buffer.from(bytes + SMUGGLED, 'latin1'));
    const answer = await client.readAnswer();
    assert.equal(answer.status, status);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['connection'], 'close');
    assert.equal(answer.headers['access-control-allow-origin'], '*');
    assert.equal(JSON.parse(answer.body.toString()).mr_errcode, 'M_BAD_REQUEST');
    assert.equal((await client.readToEnd()).length, 0);
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    assert.ok(seen.length <= (bytes.startsWith(CHUNKED) ? 1 : 0));
  });
}

type Parts = Required<NonNullable<Parameters<typeof createPlayedServer>[1]>>;

const PLAIN: readonly [what: string, bytes: string][] = [
  ['a URL of the same host', 'GET http://Example.org/healthz?a HTTP/1.1\r\nHost: example.ORG\r\n\r\n'],
  ['no host in HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n'],
  ['an empty host', 'GET /healthz HTTP/1.1\r\nHost:\r\n\r\n'],
  ['an address for a host', 'GET /healthz HTTP/1.1\r\nHost: [2001:db8::1]:8000\r\n\r\n'],
  ['empty lines before it', '\r\n\r\nGET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n'],
  ['an upgrade that nobody knows', 'GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'],
  ['a body that it does not need', 'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello'],
];
for (const [what, bytes] of PLAIN) {
  test(`a request with ${what} is answered`, async (t) => {
    const { app } = await createPlayedServer(t);
    const client = await openRawClient(t, await listenTo(app));
    await client.write(bytes);
    assert.equal((await client.readAnswer()).status, 200);
  });
}

test('chunks may have extensions and trailers, which mean nothing', async (t) => {
  let body = '';
  const upload = async (...[, , asked]: Parameters<Parts['upload']>) => {
    for await (const chunk of asked.startBody()) body += Buffer.from(chunk).toString('latin1');
    return { origin: parseServerName('example.org'), mediaId: parseMediaId('abc') };
  };
  const { app } = await createPlayedServer(t, { upload });
  const client = await openRawClient(t, await listenTo(app));
  const coding = CHUNKED.replace('chunked', 'Chunked');
  await client.write(`${coding}3;a="b"\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: y\r\nHost: other.example.org\r\n\r\n`);
  assert.equal((await client.readAnswer()).status, 200);
  assert.equal(body, 'abcde');
});

test('a host behind two thousand other headers is seen', async (t) => {
  const { app } = await createPlayedServer(t);
  const client = await openRawClient(t, await listenTo(app));
  await client.write(`GET /healthz HTTP/1.1\r\nHost: a\r\n${'x:y\r\n'.repeat(2500)}Host: b\r\n\r\n`);
  assert.equal((await client.readAnswer()).status, 400);
});

for (const asked of [
  'CONNECT example.org:443 HTTP/1.1',
  'GET /healthz HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket',
  '\0',
]) {
  test(`a client that breaks its connection after ${JSON.stringify(asked)} breaks nothing else`, async (t) => {
    const { app } = await createPlayedServer(t);
    const port = await listenTo(app);
    const client = await openRawClient(t, port);
    await client.write(`${asked}\r\nHost: example.org\r\n\r\n`);
    await client.readAnswer();
    const closed = once(client.socket, 'close');
    client.socket.resetAndDestroy();
    await closed;
    for (let look = 0; look < 3; look += 1) {
      assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
    }
  });
}
