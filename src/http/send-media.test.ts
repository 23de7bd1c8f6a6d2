import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parse } from 'content-disposition';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { playMedia, playObject } from '../../test/played-media.ts';
import { openRawClient } from '../../test/raw-client.ts';

const PATH = '/_matrix/client/v1/media/download/example.org/abc';
const WHOLE: Readonly<Record<string, string>> = {};
const BYTES = randomBytes(200_000);

async function start(t: TestContext, media = playMedia(playObject(BYTES), { type: 'image/png', name: 'a b.png' })) {
  const { app, logged } = await createPlayedServer(t, { open: async () => media });
  const ask = async (
    headers: Readonly<Record<string, string>> = {},
    { method = 'GET', path = PATH }: { method?: 'GET' | 'HEAD'; path?: string } = {},
  ) => {
    const all = { host: 'example.org', authorization: `Bearer ${TOKEN}`, ...headers };
    return await app.inject({ method, url: path, headers: all });
  };
  return { app, logged, ask, etag: `"${media.record.sha256_hash}"` };
}

const REQUEST = `GET ${PATH} HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;

test('media comes whole, with all that clients and caches want to know', async (t) => {
  const { ask, etag } = await start(t);
  const answer = await ask();
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(answer.rawPayload, BYTES);
  assert.partialDeepStrictEqual(answer.headers, {
    'content-type': 'image/png',
    'content-length': '200000',
    'content-disposition': 'inline; filename="a b.png"',
    'accept-ranges': 'bytes',
    etag,
    'cache-control': 'private, max-age=259200, immutable',
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff',
  });
});

test('HEAD gets the same headers, without the body, and ranges mean nothing to it', async (t) => {
  const { ask } = await start(t);
  const { 'x-request-id': _id, date: _date, connection: _connection, ...expected } = (await ask()).headers;
  for (const headers of [WHOLE, { range: 'bytes=0-9' }, { range: 'bytes=900000-' }]) {
    const answer = await ask(headers, { method: 'HEAD' });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.rawPayload.length, 0);
    assert.partialDeepStrictEqual(answer.headers, expected);
  }
});

const RANGES: readonly [range: string, start: number, end: number][] = [
  ['bytes=0-9', 0, 9],
  ['bytes=100000-', 100_000, 199_999],
  ['bytes=-10', 199_990, 199_999],
  ['bytes=-900000', 0, 199_999],
  ['bytes=199999-900000', 199_999, 199_999],
];
for (const [range, first, last] of RANGES) {
  test(`${range} gets 206 and just these bytes`, async (t) => {
    const { ask, etag } = await start(t);
    const answer = await ask({ range });
    assert.equal(answer.statusCode, 206);
    assert.deepEqual(answer.rawPayload, BYTES.subarray(first, last + 1));
    assert.equal(answer.headers['content-range'], `bytes ${first}-${last}/200000`);
    assert.equal(answer.headers['content-length'], String(last - first + 1));
    assert.equal(answer.headers.etag, etag);
  });
}

test('a range behind the end is 416, and tells the size', async (t) => {
  const { ask } = await start(t);
  const answer = await ask({ range: 'bytes=200000-' });
  assert.equal(answer.statusCode, 416);
  assert.equal(answer.headers['content-range'], 'bytes */200000');
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.equal(answer.headers['content-disposition'], undefined);
  assert.equal(answer.headers.etag, undefined);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.json().errcode, 'M_UNKNOWN');
});

for (const range of ['bytes=5-2', 'bytes=0-1,5-2', 'items=0-1', 'nonsense']) {
  test(`${range} gets everything`, async (t) => {
    const { ask } = await start(t);
    const answer = await ask({ range });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.rawPayload.length, 200_000);
    assert.equal(answer.headers['content-range'], undefined);
  });
}

test('several ranges come as parts of one body, each with its place in the file', async (t) => {
  const { ask } = await start(t);
  const answer = await ask({ range: 'bytes=0-1,199990-,5-6' });
  assert.equal(answer.statusCode, 206);
  assert.equal(answer.headers['content-length'], String(answer.rawPayload.length));
  assert.equal(answer.headers['content-range'], undefined);
  const type = String(answer.headers['content-type']);
  const boundary = /^multipart\/byteranges; boundary=([0-9a-f]+)$/.exec(type)?.[1];
  const parts = answer.rawPayload.toString('latin1').split(`--${boundary}`);
  assert.deepEqual([parts.at(0), parts.at(-1)], ['', '--\r\n']);
  const sent = parts.slice(1, -1).map((part) => {
    const [head = '', body = ''] = part.split('\r\n\r\n');
    assert.match(head, /\r\nContent-Type: image\/png\r\n/);
    return [/Content-Range: (.*)/.exec(head)?.[1], body.slice(0, -2)];
  });
  const expect = (start: number, end: number) => [
    `bytes ${start}-${end}/200000`,
    BYTES.subarray(start, end + 1).toString('latin1'),
  ];
  assert.deepEqual(sent, [expect(0, 1), expect(199_990, 199_999), expect(5, 6)]);
});

test('a range with If-Range is for those who have the same bytes', async (t) => {
  const { ask, etag } = await start(t);
  const range = 'bytes=0-9';
  assert.equal((await ask({ range, 'if-range': etag })).statusCode, 206);
  for (const condition of ['"other"', `W/${etag}`, 'Wed, 01 May 2024 10:20:30 GMT']) {
    assert.equal((await ask({ range, 'if-range': condition })).statusCode, 200);
  }
});

test('who has the bytes already is told so, whatever range is asked', async (t) => {
  const { ask, etag } = await start(t);
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    for (const headers of [WHOLE, { range: 'bytes=0-9' }, { range: 'bytes=900000-' }]) {
      const answer = await ask({ 'if-none-match': known, ...headers });
      assert.equal(answer.statusCode, 304);
      assert.equal(answer.rawPayload.length, 0);
      assert.partialDeepStrictEqual(answer.headers, { etag, 'access-control-allow-origin': '*' });
      assert.match(String(answer.headers['cache-control']), /^private/);
    }
  }
  assert.equal((await ask({ 'if-none-match': '"other"' })).statusCode, 200);
});

test('who wants the bytes only if they are the known ones gets them, or 412', async (t) => {
  const { ask, etag } = await start(t);
  for (const method of ['GET', 'HEAD'] as const) {
    for (const known of [etag, '*', `"x", ${etag}`]) {
      assert.equal((await ask({ 'if-match': known }, { method })).statusCode, 200, known);
    }
    for (const other of ['"other"', `W/${etag}`, etag.slice(1, -1), '']) {
      const answer = await ask({ 'if-match': other, range: 'bytes=0-1', 'if-none-match': etag }, { method });
      assert.equal(answer.statusCode, 412, other);
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['content-disposition'], undefined);
      if (method === 'GET') assert.equal(answer.json().errcode, 'M_UNKNOWN');
    }
    assert.equal((await ask({ 'if-match': etag, 'if-none-match': etag }, { method })).statusCode, 304);
    const dates = {
      'if-modified-since': 'Wed, 01 May 2034 10:20:30 GMT',
      'if-unmodified-since': 'Wed, 01 May 2004 10:20:30 GMT',
    };
    assert.equal((await ask(dates, { method })).statusCode, 200);
  }
});

test('who may not see the media does not learn that it is unchanged', async (t) => {
  const { ask, etag } = await start(t);
  assert.equal((await ask({ 'if-none-match': etag, authorization: 'Bearer other' })).statusCode, 401);
});

test('media of no bytes is sent as such', async (t) => {
  const { ask } = await start(t, playMedia(playObject(Buffer.alloc(0)), { type: 'text/plain' }));
  for (const headers of [WHOLE, { range: 'bytes=0-' }, { range: 'bytes=-1' }]) {
    const answer = await ask(headers);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-length'], '0');
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(answer.headers['content-disposition'], 'inline');
    assert.equal(answer.rawPayload.length, 0);
  }
});

const NAMES: readonly [uploaded: string, asked: string | undefined, sent: string | undefined][] = [
  ['', undefined, undefined],
  ['.', undefined, undefined],
  ['a.txt', undefined, 'a.txt'],
  ['a.txt', 'b.txt', 'b.txt'],
  ['', 'b.txt', 'b.txt'],
  ['chicken 🐔', undefined, 'chicken 🐔'],
  ['', 'a/b\\c "d"; 🐔', 'a/b\\c "d"; 🐔'],
  ['a\r\nX-Evil: 1', undefined, 'aX-Evil: 1'],
  ['', 'a\r\n\0X-Evil: 1', 'aX-Evil: 1'],
  ['x'.repeat(300), undefined, 'x'.repeat(255)],
];
for (const [name, asked, sent] of NAMES) {
  const title = JSON.stringify([name.slice(0, 20), asked]);
  test(`of the names ${title} (uploaded, asked), ${sent?.slice(0, 20)} is sent`, async (t) => {
    const { ask } = await start(t, playMedia(playObject(BYTES), { type: 'text/html', name }));
    const path = asked === undefined ? PATH : `${PATH}/${encodeURIComponent(asked)}`;
    const header = String((await ask({}, { path })).headers['content-disposition']);
    assert.equal(parse(header).type, 'attachment');
    assert.equal(parse(header).parameters['filename'], sent);
  });
}

test('a source that breaks off breaks the connection: nobody takes the part for the whole', async (t) => {
  const object = {
    ...playObject(BYTES),
    async *read() {
      yield BYTES.subarray(0, 1_000);
      throw new Error('The disk is gone');
    },
  };
  const { app, logged } = await start(t, playMedia(object));
  const port = await listenTo(app);
  const headers = { authorization: `Bearer ${TOKEN}`, 'x-forwarded-host': 'example.org' };
  await assert.rejects(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}${PATH}`, { headers });
    await answer.arrayBuffer();
  });
  assert.match(String(logged.find(({ level }) => level === 'error')?.['err']), /The disk is gone/);
});

test('a source that has fewer bytes than it said breaks the connection too', async (t) => {
  const object = {
    ...playObject(BYTES),
    async *read() {
      yield BYTES.subarray(0, 1_000);
    },
  };
  const { app, logged } = await start(t, playMedia(object));
  const client = await openRawClient(t, await listenTo(app));
  await client.write(REQUEST);
  await assert.rejects(client.readAnswer());
  assert.ok(logged.some(({ level }) => level === 'error'));
});

/** An object without an end in sight, which tells how much of it was read and when reading stopped. */
function playEndless() {
  const told = { chunks: 0, disposed: Promise.withResolvers<void>() };
  const object = {
    sizeBytes: 2 ** 40,
    async *read(_range: unknown, signal: AbortSignal) {
      const chunk = Buffer.alloc(65_536);
      for (;;) {
        signal.throwIfAborted();
        told.chunks++;
        yield chunk;
      }
    },
    async [Symbol.asyncDispose]() {
      told.disposed.resolve();
    },
  };
  return { told, object };
}

/** Until the server has nothing more to do before its clients act. */
async function untilStill(count: () => number): Promise<number> {
  for (let before = -1, same = 0; ; ) {
    await setImmediate();
    same = count() === before ? same + 1 : 0;
    before = count();
    if (same > 2_000 && before > 0) return before;
  }
}

test('a slow reader holds the reading up, so that memory does not grow', async (t) => {
  const { told, object } = playEndless();
  const { app } = await start(t, playMedia(object));
  const client = await openRawClient(t, await listenTo(app));
  client.socket.pause();
  await client.write(REQUEST);
  const read = (await untilStill(() => told.chunks)) * 65_536;
  assert.ok(read < 32_000_000, `${read} bytes were read`); // what the kernel's buffers take
  client.socket.destroy();
  await told.disposed.promise;
});

test('a client that leaves stops the reading, and is no error', async (t) => {
  const { told, object } = playEndless();
  const { app, logged } = await start(t, playMedia(object));
  const client = await openRawClient(t, await listenTo(app));
  client.socket.pause();
  await client.write(REQUEST);
  await untilStill(() => told.chunks);
  client.socket.resetAndDestroy();
  await told.disposed.promise;
  while (!logged.some(({ msg }) => msg === 'Answered a request')) await setImmediate();
  assert.partialDeepStrictEqual(
    logged.find(({ msg }) => msg === 'Answered a request'),
    { status: 499 },
  );
  assert.equal(
    logged.some(({ level }) => level === 'error'),
    false,
  );
});

test('answers that wait behind another one on their connection stop too when the client leaves', async (t) => {
  const played = [playEndless(), playEndless()];
  let next = 0;
  const { app } = await createPlayedServer(t, {
    open: async () => playMedia(played[next++]?.object ?? assert.fail('There are two requests')),
  });
  const client = await openRawClient(t, await listenTo(app));
  client.socket.pause();
  await client.write(REQUEST + REQUEST);
  await untilStill(() => played[1]?.told.chunks ?? 0);
  client.socket.resetAndDestroy();
  await Promise.all(played.map(({ told }) => told.disposed.promise));
});

test('requests on one connection are answered one after the other, each whole', async (t) => {
  const { app } = await start(t);
  const client = await openRawClient(t, await listenTo(app));
  await client.write(REQUEST + REQUEST + REQUEST);
  for (let count = 0; count < 3; count++) assert.deepEqual((await client.readAnswer()).body, BYTES);
});
