import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { HTTPMethods } from 'fastify';
import { makeConfig } from '../../test/config.ts';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { playMedia, playObject } from '../../test/played-media.ts';
import { askRaw, openRawClient } from '../../test/raw-client.ts';
import { parseServerName } from '../matrix/index.ts';
import type { Counts } from '../telemetry/index.ts';

const BYTES = randomBytes(100);
const MEDIA = '/_matrix/client/v1/media/download/example.org/abc';
const SLOW_MEDIA = '/_matrix/client/v1/media/download/example.org/slow';
const authorization = `Bearer ${TOKEN}`;
const ALICE = { userId: '@alice:example.org', isGuest: false, isSharedSecret: false, isRepoAdmin: false };

/** Writes down what it is told, a line for each call. */
function recordCounts() {
  const told: string[] = [];
  const tell = (what: string, ...details: unknown[]) => void told.push([what, ...details].join(' '));
  const counts: Counts = {
    requestBegun: ({ host, action, method }) => tell('begun', host, action, method),
    requestEnded: ({ host, action, method }, status) => tell('ended', host, action, method, status),
    hostRefused: (action, method) => tell('refused host', action, method),
    otherAnswered: (status) => tell('other', status),
    limited: (limit) => tell('limited', limit),
    mediaRead: (seconds) => tell('read', seconds),
    cacheLooked: (isThere) => tell('looked', isThere),
    thumbnailMade: () => tell('thumbnail'),
    remoteAsked: () => tell('remote'),
    previewMade: () => tell('preview'),
    s3Asked: () => tell('s3'),
  };
  return { told, counts };
}

async function start(t: TestContext, sections: Readonly<Record<string, unknown>> = {}) {
  const { told, counts } = recordCounts();
  const object = { ...playObject(BYTES), bytes: BYTES };
  const { app, logged } = await createPlayedServer(t, {
    counts,
    config: await makeConfig(sections),
    now: () => 60_000,
    open: async ({ mediaId }, _asker, signal) => {
      if (mediaId === 'slow') await once(signal, 'abort');
      return { ...playMedia(object), again: () => object };
    },
    verifyRequest: async () => ({
      origin: parseServerName('remote.example'),
      destination: parseServerName('example.org'),
    }),
    recall: ({ token }) => (token === TOKEN ? ALICE : undefined),
  });
  const port = await listenTo(app);
  const ask = (method: string, url: string, headers: Readonly<Record<string, string>> = {}) =>
    askRaw(t, port, method, url, { host: 'example.org', ...headers });
  const lines = () => logged.filter(({ msg }) => msg === 'Answered a request');
  return { app, port, told, ask, lines };
}

test('a request is counted for its endpoint when it begins, and with its status when it ends', async (t) => {
  const { told, ask } = await start(t);
  await ask('GET', MEDIA, { authorization });
  await ask('HEAD', MEDIA, { authorization });
  await ask('GET', '/_matrix/media/v3/config');
  assert.deepEqual(told, [
    ...['begun example.org download GET', 'read 60', 'ended example.org download GET 200'],
    // The second one is not answered from memory.
    ...['begun example.org download HEAD', 'read 60', 'ended example.org download HEAD 200'],
    ...['begun example.org config GET', 'ended example.org config GET 401'],
  ]);
});

test('an answer from memory is counted as any other, and as found in memory', async (t) => {
  const { told, ask, lines } = await start(t);
  await ask('GET', MEDIA, { authorization });
  told.length = 0;
  const { headers } = await ask('GET', MEDIA, { authorization });
  await ask('GET', MEDIA, { authorization, 'if-none-match': headers['etag'] ?? '' });
  assert.deepEqual(told, [
    ...['begun example.org download GET', 'looked true', 'read 60', 'ended example.org download GET 200'],
    ...['begun example.org download GET', 'looked true', 'read 60', 'ended example.org download GET 304'],
  ]);
  assert.equal(lines().length, 3);
});

test('requests that come to no endpoint, or for hosts that are not ours, are counted apart', async (t) => {
  const { told, ask } = await start(t);
  await ask('GET', '/nothing/here');
  await ask('DELETE', MEDIA);
  await ask('OPTIONS', MEDIA);
  await ask('GET', `${MEDIA}/`);
  await ask('GET', '/_matrix/media/v3/config', { host: 'elsewhere.example.org', authorization });
  assert.deepEqual(told, ['other 404', 'other 405', 'other 204', 'other 404', 'refused host config GET']);
});

test('whatever host is made up for what is for any host, it becomes no label', async (t) => {
  const { told, ask } = await start(t);
  for (const host of ['made.up.example.org', 'example.org']) await ask('GET', '/healthz', { host });
  assert.deepEqual(told, [
    ...['begun unknown healthz GET', 'ended unknown healthz GET 200'],
    ...['begun example.org healthz GET', 'ended example.org healthz GET 200'],
  ]);
});

test('what another server has signed counts for the domain that it has signed for', async (t) => {
  const { told, ask } = await start(t);
  await ask('GET', '/_matrix/federation/v1/media/download/abc', { host: 'delegated.example.org' });
  assert.deepEqual(told, ['read 60', 'begun example.org download GET', 'ended example.org download GET 200']);
});

test('who asks too often is counted once, and reaches no endpoint', async (t) => {
  const { told, ask } = await start(t, { rateLimit: { requestsPerSecond: 0, burst: 1 } });
  await ask('GET', MEDIA, { authorization });
  told.length = 0;
  assert.equal((await ask('GET', MEDIA, { authorization })).status, 429);
  assert.deepEqual(told, ['limited requests', 'other 429']);
});

test('who downloads too much is counted once', async (t) => {
  const buckets = { downloads: { capacityBytes: 150, drainBytesPerMinute: 0, overflowLimitBytes: 0 } };
  const { told, ask } = await start(t, { rateLimit: { requestsPerSecond: 1000, burst: 1000, buckets } });
  await ask('GET', MEDIA, { authorization });
  told.length = 0;
  assert.equal((await ask('GET', MEDIA, { authorization })).status, 429);
  assert.deepEqual(told, [
    ...['begun example.org download GET', 'read 60'],
    ...['limited downloads', 'ended example.org download GET 429'],
  ]);
});

test('each line of the log is counted once, with its status', async (t) => {
  const { port, told, ask, lines } = await start(t);
  for (const url of [MEDIA, MEDIA, '/nothing', '/_matrix/media/v3/config', '/healthz']) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT']) await ask(method, url, { authorization });
  }
  const impatient = connect(port, '127.0.0.1');
  impatient.write(`GET ${SLOW_MEDIA} HTTP/1.1\r\nHost: example.org\r\nAuthorization: ${authorization}\r\n\r\n`);
  const begun = told.length;
  while (told.length === begun) await setImmediate();
  impatient.destroy();
  while (!lines().some(({ status }) => status === 499)) await setImmediate();
  const counted = told.filter((line) => /^(?:ended|other) /.test(line)).map((line) => Number(line.split(' ').at(-1)));
  assert.deepEqual(
    counted,
    lines().map(({ status }) => status),
  );
});

test('bytes that are no request are counted by what they were answered', async (t) => {
  const { port, told } = await start(t);
  const client = await openRawClient(t, port);
  await client.write('hello\r\n\r\n');
  await client.readAnswer();
  assert.deepEqual(told, ['other 400']);
});

test('every endpoint has a name for the metrics', async (t) => {
  const { app, told } = await start(t);
  await app.ready();
  const parents: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods = ''] = /^([^/*]*)(\S+) \((.*)\)$/.exec(line) ?? [];
    if (part === '' || part === '*') continue; // the rest of a path that is listed without its beginning
    parents.length = indent.length / 4 - 1;
    parents.push(part);
    for (const method of methods.split(', ')) {
      told.length = 0;
      await app.inject({ method: method as HTTPMethods, url: parents.join(''), headers: { host: 'example.org' } });
      assert.match(told[0] ?? '', /^begun example\.org (?!other )\w+ /, `${method} ${parents.join('')}`);
    }
  }
});
