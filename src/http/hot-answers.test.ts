import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { makeConfig } from '../../test/config.ts';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { playMedia, playObject } from '../../test/played-media.ts';
import { askRaw, openRawClient } from '../../test/raw-client.ts';

const WITH_TOKEN = '/_matrix/client/v1/media/download/example.org/abc';
const OPEN = '/_matrix/media/v3/download/example.org/abc';
const BYTES = randomBytes(20_000);
const ALICE = { userId: '@alice:example.org', isGuest: false, isSharedSecret: false, isRepoAdmin: false };
const authorization = `Bearer ${TOKEN}`;

/** Plays media that stays in memory until the test forgets it, and counts how often it is really opened. */
async function start(t: TestContext, config: Readonly<Record<string, unknown>> = { rateLimit: { enabled: false } }) {
  const object = { ...playObject(BYTES), bytes: BYTES };
  const told = { opened: 0, isForgotten: false, isTokenForgotten: false, ms: 1_000 };
  const again = () => (told.isForgotten ? undefined : object);
  const { app, logged } = await createPlayedServer(t, {
    config: await makeConfig(config),
    now: () => told.ms,
    open: async () => {
      told.opened += 1;
      return { ...playMedia(object, { type: 'image/png', name: 'a b.png' }), again };
    },
    recall: ({ token }) => (token === TOKEN && !told.isTokenForgotten ? ALICE : undefined),
  });
  const port = await listenTo(app);
  const ask = (url: string, headers: Readonly<Record<string, string>> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    askRaw(t, port, method, url, { host: 'example.org', ...headers });
  return { ask, told, logged, port };
}

/** What differs from answer to answer. */
function comparable(headers: Readonly<Record<string, string>>) {
  const { date: _date, 'x-request-id': id = '', ...rest } = headers;
  assert.match(id, /^[0-9a-f-]{36}$/);
  return rest;
}

test('what is answered from memory is the same answer, and the same line in the log', async (t) => {
  const { ask, told, logged } = await start(t);
  const first = await ask(WITH_TOKEN, { authorization });
  const second = await ask(WITH_TOKEN, { authorization });
  assert.equal(told.opened, 1);
  assert.deepEqual([second.status, second.body], [200, BYTES]);
  assert.deepEqual(comparable(second.headers), comparable(first.headers));
  assert.notEqual(second.headers['x-request-id'], first.headers['x-request-id']);
  const lines = logged.filter(({ msg }) => msg === 'Answered a request');
  const [one, two] = lines.map(({ time: _time, durationMs: _duration, requestId, ...line }) => ({ requestId, line }));
  assert.deepEqual(two?.line, one?.line);
  assert.equal(two?.requestId, second.headers['x-request-id']);
});

test('whoever has the bytes is told so from memory too', async (t) => {
  const { ask, told } = await start(t);
  const { headers } = await ask(WITH_TOKEN, { authorization });
  const known = await ask(WITH_TOKEN, { authorization, 'if-none-match': headers['etag'] ?? '' });
  assert.deepEqual([known.status, known.body.length, told.opened], [304, 0, 1]);
  assert.equal(known.headers['etag'], headers['etag']);
  assert.equal(known.headers['content-length'], undefined);
  assert.equal((await ask(WITH_TOKEN, { authorization, 'if-none-match': '"other"' })).status, 200);
});

test('media that has changed, or is not in memory any more, is opened again', async (t) => {
  const { ask, told } = await start(t);
  await ask(WITH_TOKEN, { authorization });
  told.isForgotten = true;
  told.ms += 100;
  assert.equal((await ask(WITH_TOKEN, { authorization })).status, 200);
  assert.equal(told.opened, 2);
});

test('memory shows nothing to those without a good token', async (t) => {
  const { ask, told } = await start(t);
  await ask(WITH_TOKEN, { authorization });
  assert.equal((await ask(WITH_TOKEN)).status, 401);
  assert.equal((await ask(WITH_TOKEN, { authorization: 'Bearer another' })).status, 401);
  assert.equal((await ask(WITH_TOKEN, { authorization: 'Basic abc' })).status, 401);
  assert.equal(told.opened, 1);
  told.isTokenForgotten = true; // it has to be asked for again
  assert.equal((await ask(WITH_TOKEN, { authorization })).status, 200);
  assert.equal(told.opened, 2);
});

test('what one with a token saw on an endpoint for all is looked at again for one without', async (t) => {
  const { ask, told } = await start(t);
  await ask(OPEN, { authorization });
  await ask(OPEN);
  assert.equal(told.opened, 2, 'it could be frozen');
  await ask(OPEN);
  await ask(OPEN, { authorization });
  assert.equal(told.opened, 2);
});

test('another host, another query, a range and HEAD are other questions', async (t) => {
  const { ask, told } = await start(t);
  await ask(WITH_TOKEN, { authorization });
  assert.equal((await ask(WITH_TOKEN, { authorization, host: 'other.example.org' })).status, 502);
  assert.equal(told.opened, 1);
  const part = await ask(WITH_TOKEN, { authorization, range: 'bytes=0-9' });
  assert.deepEqual([part.status, part.body, told.opened], [206, BYTES.subarray(0, 10), 2]);
  assert.equal((await ask(`${WITH_TOKEN}?asAttachment=true`, { authorization })).status, 200);
  assert.equal(told.opened, 3);
});

test('an address with a token in it is not remembered', async (t) => {
  const { ask, told } = await start(t);
  for (const name of ['access_token', 'access%5Ftoken']) {
    await ask(`${WITH_TOKEN}?${name}=${TOKEN}`);
    told.opened = 0;
    await ask(`${WITH_TOKEN}?${name}=${TOKEN}`);
    assert.equal(told.opened, 1, name);
  }
});

test('what only administrators may see is not remembered', async (t) => {
  const { ask, told } = await start(t, {
    rateLimit: { enabled: false },
    admins: [ALICE.userId],
    federation: { ignoredHosts: ['example.org'] },
  });
  for (const opened of [1, 2]) {
    assert.equal((await ask(WITH_TOKEN, { authorization })).status, 200);
    assert.equal(told.opened, opened);
  }
});

test('answers from memory count, and are refused when there were too many', async (t) => {
  const { ask, told } = await start(t, { rateLimit: { requestsPerSecond: 0.001, burst: 3 } });
  const answers = [];
  for (let count = 0; count < 4; count += 1) answers.push(await ask(WITH_TOKEN, { authorization }));
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers['ratelimit-remaining']]),
    [
      [200, '2'],
      [200, '1'],
      [200, '0'],
      [429, '0'],
    ],
  );
  assert.deepEqual(
    Object.keys(comparable(answers[1]?.headers ?? {})).sort(),
    Object.keys(comparable(answers[0]?.headers ?? {})).sort(),
  );
  assert.equal(told.opened, 1);
});

test('bytes from memory count, and a request that is refused for them counts once', async (t) => {
  const { ask } = await start(t, {
    rateLimit: {
      requestsPerSecond: 0.001,
      burst: 10,
      buckets: { downloads: { capacityBytes: 30_000, overflowLimitBytes: 0, drainBytesPerMinute: 1 } },
    },
  });
  const answers = [];
  for (let count = 0; count < 2; count += 1) answers.push(await ask(WITH_TOKEN, { authorization }));
  assert.deepEqual(
    answers.map(({ status, headers }) => [status, headers['ratelimit-remaining']]),
    [
      [200, '9'],
      [429, '8'],
    ],
  );
});

test('who asks on without taking what comes is cut off here too', async (t) => {
  const { ask, port } = await start(t);
  await ask(WITH_TOKEN, { authorization });
  const client = await openRawClient(t, port);
  client.socket.pause();
  const request = `GET ${WITH_TOKEN} HTTP/1.1\r\nHost: example.org\r\nAuthorization: ${authorization}\r\n\r\n`;
  client.socket.on('error', () => undefined);
  const closed = new Promise((resolve) => client.socket.once('close', resolve));
  for (let count = 0; count < 100 && !client.socket.destroyed; count += 1) await client.write(request.repeat(20));
  client.socket.resume();
  await closed;
});

test('a request that a proxy could read in another way gets nothing from memory', async (t) => {
  const { ask, port } = await start(t);
  await ask(WITH_TOKEN, { authorization });
  const client = await openRawClient(t, port);
  const hosts = 'Host: example.org\r\nHost: elsewhere.example.org\r\n';
  await client.write(`GET ${WITH_TOKEN} HTTP/1.1\r\n${hosts}Authorization: ${authorization}\r\n\r\n`);
  assert.equal((await client.readAnswer()).status, 400);
});
