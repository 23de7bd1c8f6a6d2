import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPlayedServer, listenTo, type PlayedParts, TOKEN } from '../../test/http-server.ts';
import { openRawClient } from '../../test/raw-client.ts';
import { parseMediaId, parseServerName, TooLarge } from '../matrix/index.ts';

type Upload = NonNullable<PlayedParts['upload']>;

const MAX_BYTES = 1_000_000;
const TARGET = 'POST /_matrix/media/v3/upload';
const HEAD = `${TARGET} HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const URI = { origin: parseServerName('example.org'), mediaId: parseMediaId('abc') };

/** Takes bodies as the real one does: refuses by the announced length, then by what comes. */
function playUpload() {
  const seen: { contentType: string; declaredBytes: number | undefined; bytes: number; text: string }[] = [];
  const upload: Upload = async (_config, _domain, asked, signal) => {
    const tooLarge = () => new TooLarge(`More than ${MAX_BYTES} bytes`);
    if ((asked.declaredBytes ?? 0) > MAX_BYTES) throw tooLarge();
    let bytes = 0;
    let text = '';
    const sink = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        bytes += chunk.length;
        if (bytes < 1_000) text += chunk.toString('latin1');
        callback(bytes > MAX_BYTES ? tooLarge() : null);
      },
    });
    await pipeline(asked.startBody(), sink, { signal });
    seen.push({ contentType: asked.contentType, declaredBytes: asked.declaredBytes, bytes, text });
    return URI;
  };
  return { seen, upload };
}

async function start(t: TestContext, parts: PlayedParts = {}) {
  const { seen, upload } = playUpload();
  const { app, logged } = await createPlayedServer(t, { upload, ...parts });
  const port = await listenTo(app);
  return { port, seen, logged, client: await openRawClient(t, port) };
}

function chunkOf(text: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`), Buffer.from(text), Buffer.from('\r\n')]);
}

/** That the connection is still good for another request. */
async function assertGoesOn(client: Awaited<ReturnType<typeof openRawClient>>): Promise<void> {
  await client.write('GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n');
  assert.equal((await client.readAnswer()).status, 200);
}

const TYPES: readonly [sent: string | undefined, taken: string][] = [
  [undefined, 'application/octet-stream'],
  ['', 'application/octet-stream'],
  ['image/png', 'image/png'],
  ['IMG/PNG', 'IMG/PNG'],
  ['text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
  ['application/json', 'application/json'],
  ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded'],
  ['multipart/form-data; boundary=x', 'multipart/form-data; boundary=x'],
  ['nonsense', 'application/octet-stream'],
  ['///', 'application/octet-stream'],
  ['image/png\u00ff', 'application/octet-stream'],
  ['x'.repeat(300), 'application/octet-stream'],
];
for (const [sent, taken] of TYPES) {
  test(`a body of type ${JSON.stringify(sent)?.slice(0, 40)} is taken as bytes of ${taken}`, async (t) => {
    const { client, seen } = await start(t);
    const header = sent === undefined ? '' : `Content-Type: ${sent}\r\n`;
    await client.write(Buffer.from(`${HEAD}${header}Content-Length: 8\r\n\r\n{"bad":\xff`, 'latin1'));
    const answer = await client.readAnswer();
    assert.equal(answer.status, 200);
    assert.deepEqual(JSON.parse(answer.body.toString()), { content_uri: 'mxc://example.org/abc' });
    assert.deepEqual(seen, [{ contentType: taken, declaredBytes: 8, bytes: 8, text: '{"bad":\xff' }]);
  });
}

test('of several names for a file the first counts, and an empty one is none', async (t) => {
  for (const [query, name] of [
    ['filename=a&filename=b', 'a'],
    ['filename=', ''],
    ['filename=100%&x', '100%'],
  ] as const) {
    const upload: Upload = async (_config, _domain, asked) => {
      assert.equal(asked.uploadName, name);
      return URI;
    };
    const { client } = await start(t, { upload });
    await client.write(HEAD.replace('/upload ', `/upload?${query} `).concat('Content-Length: 0\r\n\r\n'));
    assert.equal((await client.readAnswer()).status, 200);
  }
});

test('a body in chunks is taken, whose length nobody knows before', async (t) => {
  const { client, seen } = await start(t);
  await client.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  await client.write(chunkOf('hello '));
  await client.write(chunkOf('world'));
  await client.write('0\r\n\r\n');
  assert.equal((await client.readAnswer()).status, 200);
  assert.partialDeepStrictEqual(seen, [{ declaredBytes: undefined, text: 'hello world' }]);
  await assertGoesOn(client);
});

test('no body at all is an empty one', async (t) => {
  const { client, seen } = await start(t);
  await client.write(`${HEAD}\r\n`);
  assert.equal((await client.readAnswer()).status, 200);
  assert.partialDeepStrictEqual(seen, [{ bytes: 0 }]);
});

test('a client that sends 5 MB on after its refusal reads the whole answer, and the connection goes on', async (t) => {
  const { client } = await start(t);
  await client.write(`${HEAD}Content-Length: 5000000\r\n\r\n`);
  const answer = await client.readAnswer();
  for (let sent = 0; sent < 5_000_000; sent += 50_000) await client.write(Buffer.alloc(50_000));
  assert.equal(answer.status, 413);
  assert.equal(JSON.parse(answer.body.toString()).errcode, 'M_TOO_LARGE');
  await assertGoesOn(client);
});

test('a client that does not look at answers before it has sent its 5 MB gets to know of the refusal too', async (t) => {
  const { client } = await start(t);
  await client.write(`${HEAD}Content-Length: 5000000\r\n\r\n`);
  for (let sent = 0; sent < 5_000_000; sent += 50_000) await client.write(Buffer.alloc(50_000));
  assert.equal((await client.readAnswer()).status, 413);
  await assertGoesOn(client);
});

test('a body in chunks that grows too large is refused in its midst, and its rest does no harm', async (t) => {
  const { client } = await start(t);
  await client.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  for (let sent = 0; sent <= MAX_BYTES; sent += 50_000) await client.write(chunkOf(Buffer.alloc(50_000)));
  const answer = await client.readAnswer();
  assert.equal(answer.status, 413);
  assert.equal(answer.headers['access-control-allow-origin'], '*');
  for (let sent = 0; sent < 3_000_000; sent += 50_000) await client.write(chunkOf(Buffer.alloc(50_000)));
  await client.write('0\r\n\r\n');
  await assertGoesOn(client);
});

test('a client without a token is told so while its body is under way', async (t) => {
  const { client } = await start(t);
  await client.write(`${TARGET} HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3000000\r\n\r\n`);
  await client.write(Buffer.alloc(1_000_000));
  assert.equal((await client.readAnswer()).status, 401);
  await client.write(Buffer.alloc(2_000_000));
  await assertGoesOn(client);
});

test('who asks before sending is told to, when the body is wanted', async (t) => {
  const { client, seen } = await start(t);
  await client.write(`${HEAD}Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n`);
  assert.equal((await client.readAnswer()).status, 100);
  await client.write('hello');
  assert.equal((await client.readAnswer()).status, 200);
  assert.partialDeepStrictEqual(seen, [{ text: 'hello' }]);
  await assertGoesOn(client);
});

for (const [why, head, status] of [
  ['too large', `${HEAD}Content-Length: 5000000\r\n`, 413],
  ['without a token', `${TARGET} HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n`, 401],
  ['not known', 'POST /nothing HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n', 404],
  ['for other methods', 'PUT /healthz HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n', 405],
] as const) {
  test(`who asks before sending what is ${why} gets ${status} at once, and the connection ends`, async (t) => {
    const { client } = await start(t);
    await client.write(`${head}Expect: 100-continue\r\n\r\n`);
    const answer = await client.readAnswer();
    assert.equal(answer.status, status);
    assert.equal(answer.headers['connection'], 'close');
    assert.equal((await client.readToEnd()).length, 0);
  });
}

test('who asks and then sends 5 MB without waiting reads the whole refusal', async (t) => {
  const { client } = await start(t);
  await client.write(`${HEAD}Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n`);
  for (let sent = 0; sent < 5_000_000; sent += 50_000) await client.write(Buffer.alloc(50_000));
  assert.equal((await client.readAnswer()).status, 413);
  assert.equal((await client.readToEnd()).length, 0);
});

test('a client that leaves in the midst of its upload stops the work', { timeout: 30_000 }, async (t) => {
  const begun = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<unknown>();
  const upload: Upload = async (_config, _domain, asked, signal) => {
    signal.addEventListener('abort', () => stopped.resolve(signal.reason));
    for await (const _chunk of asked.startBody()) begun.resolve();
    return URI;
  };
  const { client, logged } = await start(t, { upload });
  await client.write(`${HEAD}Content-Length: 5000000\r\nX-Forwarded-For: 8.8.8.8\r\n\r\nhello`);
  await begun.promise;
  client.socket.destroy();
  assert.match(String(await stopped.promise), /The client left/);
  while (!logged.some(({ msg }) => msg === 'Answered a request')) await setImmediate();
  assert.partialDeepStrictEqual(
    logged.find(({ msg }) => msg === 'Answered a request'),
    { status: 499, remoteAddr: '8.8.8.8', authUserId: '@alice:example.org' },
  );
  assert.equal(
    logged.some(({ level }) => level === 'error'),
    false,
  );
});

test('a body that ends before its length ends the upload', async (t) => {
  const { client, seen, logged } = await start(t);
  await client.write(`${HEAD}Content-Length: 100\r\n\r\nhello`);
  client.socket.end();
  await client.readToEnd();
  assert.deepEqual(seen, []);
  assert.equal(
    logged.some(({ level }) => level === 'error'),
    false,
  );
});

test('chunks that are no chunks are refused while the body is read', async (t) => {
  const { client, seen, logged } = await start(t);
  await client.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n`);
  const answer = await client.readAnswer();
  assert.equal(answer.status, 400);
  assert.equal((await client.readToEnd()).length, 0);
  assert.deepEqual(seen, []);
  assert.equal(
    logged.some(({ level }) => level === 'error'),
    false,
  );
});
