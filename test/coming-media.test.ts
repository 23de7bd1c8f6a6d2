import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import {
  answering,
  assertNothingKept,
  BOUNDARY,
  bytesOf,
  downloadOf,
  multipart,
  type PlayedOwner,
  playOwner,
  REMOTE,
  refusalOf,
  signedPathOf,
} from './played-owner.ts';
import { openRawClient } from './raw-client.ts';
import { startS3Server } from './s3-server.ts';
import { type ConfigSections, listObjects, SERVER_NAME, TOKEN, uploadBytes } from './service.ts';

const SIGNED = signedPathOf('abc');
const OPEN_V3 = `/_matrix/media/v3/download/${REMOTE}/abc`;
const DOWNLOAD = downloadOf('abc');
/** No byte stands where it stands by chance. */
const MEDIA = Buffer.from(Uint8Array.from({ length: 600_000 }, (_, at) => (at * 31 + (at >> 8)) % 251));
const HALF = 300_000;
const NO_KEY = { homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }] };

/** Another server that sends the first bytes of media, and waits to be told how to go on. */
interface Slow extends PlayedOwner {
  /** The answer that it has begun. */
  readonly begun: Promise<ServerResponse>;
  readonly whole: Buffer;
}

/** @param firstBytes of the media; the envelope's come before them */
async function playSlow(t: TestContext, firstBytes: number, sections: ConfigSections = {}): Promise<Slow> {
  const played = await playOwner(t, sections);
  const whole = multipart(MEDIA, { type: 'video/mp4', name: 'film.mp4' });
  const { promise: begun, resolve } = Promise.withResolvers<ServerResponse>();
  played.remote.answer(SIGNED, (_request, response) => {
    response.writeHead(200, { 'content-type': `multipart/mixed; boundary=${BOUNDARY}` });
    response.write(whole.subarray(0, whole.indexOf(MEDIA.subarray(0, 64)) + firstBytes));
    resolve(response);
  });
  return { ...played, begun, whole };
}

function readerOf(answer: Response): ReadableStreamDefaultReader<Uint8Array> {
  assert.ok(answer.body);
  return answer.body.getReader();
}

/** Reads at least so many bytes, or to the end. */
async function readAtLeast(reader: ReadableStreamDefaultReader<Uint8Array>, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (let read = 0; read < bytes; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    read += value.length;
  }
  return Buffer.concat(chunks);
}

function restOf({ whole }: Slow, firstBytes: number): Buffer {
  return whole.subarray(whole.indexOf(MEDIA.subarray(0, 64)) + firstBytes);
}

test('who asks for media of another server gets its first bytes while the others are still to come', async (t) => {
  const slow = await playSlow(t, HALF);
  const answer = await slow.service.ask(DOWNLOAD);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'video/mp4');
  assert.match(answer.headers.get('content-disposition') ?? '', /film\.mp4/);
  const reader = readerOf(answer);
  const first = await readAtLeast(reader, HALF - 1000);
  assert.deepEqual(first, MEDIA.subarray(0, first.length));
  assert.deepEqual(await listObjects(slow.service), []);
  (await slow.begun).end(restOf(slow, HALF));
  const rest = await readAtLeast(reader, Number.POSITIVE_INFINITY);
  assert.deepEqual(Buffer.concat([first, rest]), MEDIA);
});

test('who comes later gets what has come so far, and then the rest, from the same fetch', async (t) => {
  const slow = await playSlow(t, HALF);
  const readers = [];
  for (let asker = 0; asker < 20; asker += 1) readers.push(readerOf(await slow.service.ask(DOWNLOAD)));
  const firsts = await Promise.all(readers.map((reader) => readAtLeast(reader, HALF - 1000)));
  (await slow.begun).end(restOf(slow, HALF));
  for (const [index, reader] of readers.entries()) {
    const rest = await readAtLeast(reader, Number.POSITIVE_INFINITY);
    assert.deepEqual(Buffer.concat([firsts[index] ?? Buffer.alloc(0), rest]), MEDIA);
  }
  assert.equal(slow.asked().length, 1);
  await t.waitFor(async () => assert.equal((await listObjects(slow.service)).length, 1)); // after the last byte was sent
});

test('media of unknown length is kept, though its only asker has all of it before it is stored', async (t) => {
  const s3 = await startS3Server(t);
  const { promise: until, resolve: letStore } = Promise.withResolvers<void>();
  s3.fault = ({ method }) => (method === 'PUT' ? { kind: 'wait', until } : undefined);
  const slow = await playSlow(t, HALF, { datastores: [{ type: 's3', id: 's3', forKinds: ['all'], opts: s3.opts }] });
  const answer = await slow.service.ask(DOWNLOAD);
  (await slow.begun).end(restOf(slow, HALF));
  assert.deepEqual(await bytesOf(answer), MEDIA);
  await slow.service.ask('/healthz'); // by then the asker has left
  letStore();
  await t.waitFor(async () => assert.equal((await s3.keys()).length, 1));
  assert.deepEqual(await bytesOf(await slow.service.ask(DOWNLOAD)), MEDIA);
  assert.equal(slow.asked().length, 1);
});

test('the time limit for asking another server does not count how long its media takes to be stored', async (t) => {
  const s3 = await startS3Server(t);
  s3.fault = ({ method }) => (method === 'PUT' ? { kind: 'wait', until: after(1_500) } : undefined);
  const { remote, service } = await playOwner(t, {
    timeouts: { federationTimeoutSeconds: 1 },
    datastores: [{ type: 's3', id: 's3', forKinds: ['all'], opts: s3.opts }],
  });
  remote.answer(SIGNED, answering(multipart(MEDIA)));
  const answer = await service.ask(DOWNLOAD, { headers: { range: 'bytes=5-9' } });
  assert.deepEqual([answer.status, await bytesOf(answer)], [206, MEDIA.subarray(5, 10)]);
});

test('an asker who reads nothing does not hold up the fetch, and gets all of it when it reads on', async (t) => {
  const { remote, service } = await playOwner(t);
  const large = Buffer.alloc(24 * 1024 * 1024, MEDIA);
  const whole = multipart(large);
  remote.answer(SIGNED, (_request, response) => {
    response.writeHead(200, { 'content-type': `multipart/mixed; boundary=${BOUNDARY}` });
    response.write(whole.subarray(0, HALF));
    setTimeout(() => response.end(whole.subarray(HALF)), 100);
  });
  const idle = await service.ask(DOWNLOAD);
  assert.deepEqual(
    await bytesOf(await service.ask(DOWNLOAD, { headers: { range: 'bytes=5-9' } })),
    large.subarray(5, 10),
  );
  assert.equal((await listObjects(service)).length, 1);
  assert.ok((await bytesOf(idle)).equals(large));
});

for (const [how, breakOff] of Object.entries({
  'breaks off': (response: ServerResponse) => response.destroy(),
  'ends too soon': (response: ServerResponse) => response.end(),
  'ends without its last delimiter': (response: ServerResponse) => response.end(MEDIA.subarray(HALF)),
  'sends a third part': (response: ServerResponse) =>
    response.end(Buffer.concat([MEDIA.subarray(HALF), Buffer.from(`\r\n--${BOUNDARY}\r\n\r\n\r\n--${BOUNDARY}--`)])),
})) {
  test(`where the other server ${how}, so does the answer, and nothing is kept`, async (t) => {
    const slow = await playSlow(t, HALF);
    const answer = await slow.service.ask(DOWNLOAD);
    const reader = readerOf(answer);
    await readAtLeast(reader, HALF - 1000);
    breakOff(await slow.begun);
    await assert.rejects(readAtLeast(reader, Number.POSITIVE_INFINITY));
    await t.waitFor(() => assertNothingKept(slow.service));
  });
}

test('media that turns out too large on its way breaks off', async (t) => {
  const slow = await playSlow(t, HALF, { downloads: { maxBytes: HALF + 1000 } });
  const reader = readerOf(await slow.service.ask(DOWNLOAD));
  await readAtLeast(reader, HALF - 1000);
  (await slow.begun).end(restOf(slow, HALF));
  await assert.rejects(readAtLeast(reader, Number.POSITIVE_INFINITY));
  await t.waitFor(() => assertNothingKept(slow.service));
});

test('content that is quarantined never arrives whole, and comes no second time', async (t) => {
  const slow = await playSlow(t, HALF);
  const { service } = slow;
  await uploadBytes(service.ask, MEDIA);
  using database = new DatabaseSync(join(service.path, 'vitrine.db'));
  database.exec('UPDATE media SET quarantined = 1');
  const reader = readerOf(await service.ask(DOWNLOAD));
  await readAtLeast(reader, HALF - 1000);
  (await slow.begun).end(restOf(slow, HALF));
  await assert.rejects(readAtLeast(reader, Number.POSITIVE_INFINITY));
  assert.equal((await refusalOf(await service.ask(DOWNLOAD)))[0], 404);
  assert.equal(slow.asked().length, 1);
});

test('a fetch of which the most has come goes on when nobody waits for it any more', async (t) => {
  const { remote, service, asked } = await playOwner(t, NO_KEY);
  const { promise: begun, resolve } = Promise.withResolvers<ServerResponse>();
  remote.answer(OPEN_V3, (_request, response) => {
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': MEDIA.length });
    response.write(MEDIA.subarray(0, MEDIA.length - 1000));
    resolve(response);
  });
  const controller = new AbortController();
  const answer = await service.ask(DOWNLOAD, { signal: controller.signal });
  assert.equal(answer.headers.get('content-length'), String(MEDIA.length));
  await readAtLeast(readerOf(answer), MEDIA.length - 1000 - 65_536);
  controller.abort();
  (await begun).end(MEDIA.subarray(MEDIA.length - 1000));
  assert.ok((await bytesOf(await service.ask(DOWNLOAD))).equals(MEDIA));
  assert.equal(asked().length, 1);
});

test('a fetch of which little has come stops when nobody waits for it any more', async (t) => {
  const { remote, service } = await playOwner(t, NO_KEY);
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  remote.answer(OPEN_V3, (_request, response) => {
    response.on('close', resolve);
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': MEDIA.length });
    response.write(MEDIA.subarray(0, 100_000));
  });
  const controller = new AbortController();
  await readAtLeast(readerOf(await service.ask(DOWNLOAD, { signal: controller.signal })), 50_000);
  controller.abort();
  await stopped;
  await t.waitFor(() => assertNothingKept(service));
});

test('a client that would not notice a broken end waits for the whole, with its length', async (t) => {
  const slow = await playSlow(t, HALF);
  const client = await openRawClient(t, Number(new URL(slow.service.url).port));
  await client.write(`GET ${DOWNLOAD} HTTP/1.0\r\nHost: ${SERVER_NAME}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  (await slow.begun).end(restOf(slow, HALF));
  const { headers, body } = await client.readAnswer();
  assert.equal(headers['content-length'], String(MEDIA.length));
  assert.deepEqual(body, MEDIA);
});

test('a range of what is still to come is a range, and a whole media that was asked for by range comes at once', async (t) => {
  const slow = await playSlow(t, HALF);
  const reader = readerOf(await slow.service.ask(DOWNLOAD, { headers: { range: 'bytes=0-' } }));
  await readAtLeast(reader, HALF - 1000);
  const part = slow.service.ask(DOWNLOAD, { headers: { range: 'bytes=599990-' } });
  (await slow.begun).end(restOf(slow, HALF));
  const answer = await part;
  assert.deepEqual([answer.status, await bytesOf(answer)], [206, MEDIA.subarray(599_990)]);
});

test('the downloads of a client count what comes in without a length, too', async (t) => {
  const rateLimit = {
    enabled: true,
    requestsPerSecond: 100,
    burst: 100,
    buckets: { downloads: { capacityBytes: 100_000, drainBytesPerMinute: 1, overflowLimitBytes: 0 } },
  };
  const slow = await playSlow(t, HALF, { rateLimit });
  const first = slow.service.ask(DOWNLOAD);
  const reader = readerOf(await first);
  await readAtLeast(reader, HALF - 1000);
  (await slow.begun).end(restOf(slow, HALF));
  await readAtLeast(reader, Number.POSITIVE_INFINITY);
  assert.deepEqual(await refusalOf(await slow.service.ask(DOWNLOAD)), [429, 'M_LIMIT_EXCEEDED']);
});

/** A store that breaks off after the first half, and then does as it is told. */
async function playBrokenStore(
  t: TestContext,
  resume: (range: string, response: ServerResponse) => void,
  sections: ConfigSections = {},
) {
  const { dns, remote, service, start } = await playOwner(t, sections);
  dns.set('cdn.example', 'A', ['10.0.0.2']);
  const cdn = await start('10.0.0.2 443', { names: ['cdn.example'] });
  remote.answer(SIGNED, answering(multipart(Buffer.alloc(0), { location: 'https://cdn.example/object' })));
  cdn.answer('/object', (request, response) => {
    const { range, 'if-range': condition } = request.headers;
    if (range !== undefined) {
      assert.equal(condition, '"one"');
      resume(range, response);
      return;
    }
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': MEDIA.length, etag: '"one"' });
    response.write(MEDIA.subarray(0, HALF), () => setTimeout(() => response.destroy(), 100));
  });
  return { service, cdn };
}

test('what breaks off at a store is gone on with by Range, and the asker notices nothing', async (t) => {
  const { service, cdn } = await playBrokenStore(t, (range, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
    const end = MEDIA.length - 1;
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${MEDIA.length}`, etag: '"one"' });
    response.end(MEDIA.subarray(start));
  });
  assert.ok((await bytesOf(await service.ask(DOWNLOAD))).equals(MEDIA));
  assert.equal(cdn.requests.length, 2);
});

for (const [what, status, range, etag] of [
  ['begins elsewhere', 206, `bytes 0-599999/600000`, '"one"'],
  ['is of something else', 206, `bytes ${HALF}-599999/600000`, '"two"'],
  ['is of another length', 206, `bytes ${HALF}-599999/700000`, '"one"'],
  ['is the whole again', 200, '', '"one"'],
] as const) {
  test(`a rest that ${what} is not taken for the rest`, async (t) => {
    const { service } = await playBrokenStore(t, (_range, response) => {
      response.writeHead(status, { 'content-range': range, etag });
      response.end(MEDIA.subarray(HALF));
    });
    const answer = await service.ask(DOWNLOAD);
    await assert.rejects(bytesOf(answer));
    await t.waitFor(() => assertNothingKept(service));
  });
}

for (const [what, bytes] of [
  ['shorter than it says', 10_000],
  ['longer than it says', 1_000_000],
] as const) {
  test(`a rest that is ${what} breaks the answer, and nothing is kept`, async (t) => {
    const { service } = await playBrokenStore(t, (range, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
      response.writeHead(206, { 'content-range': `bytes ${start}-599999/600000`, etag: '"one"' });
      response.end(Buffer.alloc(bytes));
    });
    await assert.rejects(bytesOf(await service.ask(DOWNLOAD)));
    await t.waitFor(() => assertNothingKept(service));
  });
}

test('a store that breaks off and drips on has the time of one fetch, not of each of its answers', async (t) => {
  const { service } = await playBrokenStore(
    t,
    (range, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
      response.writeHead(206, { 'content-range': `bytes ${start}-599999/600000`, etag: '"one"' });
      response.write('a');
      setTimeout(() => response.destroy(), 700);
    },
    { timeouts: { federationTimeoutSeconds: 1 } },
  );
  const startedMs = performance.now();
  await assert.rejects(bytesOf(await service.ask(DOWNLOAD)));
  await t.waitFor(() => assertNothingKept(service));
  assert.ok(performance.now() - startedMs < 2_500, 'three more tries of 0.7 seconds were not made');
});

test('downloads.passOnWhileFetching: false sends nothing before all of it is here', async (t) => {
  const slow = await playSlow(t, HALF, { downloads: { passOnWhileFetching: false } });
  const asking = slow.service.ask(DOWNLOAD);
  (await slow.begun).end(restOf(slow, HALF));
  const answer = await asking;
  assert.notEqual(answer.headers.get('etag'), null);
  assert.deepEqual(await bytesOf(answer), MEDIA);
});

test('a client that leaves in the middle of a refusal does not make a failure of it', async (t) => {
  const { remote, service } = await playOwner(t);
  const refusal = JSON.stringify({ errcode: 'M_NOT_YET_UPLOADED', error: 'Not yet' });
  const { promise: begun, resolve } = Promise.withResolvers<ServerResponse>();
  remote.answer(SIGNED, (_request, response) => {
    response.writeHead(504, { 'content-length': refusal.length });
    response.write(refusal.slice(0, 10));
    resolve(response);
  });
  const controller = new AbortController();
  const asking = service.ask(DOWNLOAD, { signal: controller.signal }).catch(() => undefined);
  const response = await begun;
  controller.abort();
  await asking;
  await once(response, 'close');
  remote.answer(SIGNED, answering(multipart(MEDIA)));
  assert.ok((await bytesOf(await service.ask(DOWNLOAD))).equals(MEDIA));
});

test('downloads.maxPerServer: a slow server does not keep others from being asked', async (t) => {
  const { dns, remote, service, start } = await playOwner(t, { downloads: { numWorkers: 3, maxPerServer: 2 } });
  const waiting = new Set<ServerResponse>();
  for (const id of ['a', 'b', 'c', 'd']) {
    remote.answer(signedPathOf(id), (_request, response) => waiting.add(response));
  }
  const controller = new AbortController();
  const stuck = ['a', 'b', 'c', 'd'].map((id) =>
    service.ask(downloadOf(id), { signal: controller.signal }).catch(() => undefined),
  );
  dns.set('other.example', 'A', ['10.0.0.3']);
  const other = await start('10.0.0.3 8448', { names: ['other.example'] });
  other.answer(SIGNED, answering(multipart(Buffer.from('At once'))));
  const answer = await service.ask(DOWNLOAD.replace(REMOTE, 'other.example'));
  assert.equal((await bytesOf(answer)).toString(), 'At once');
  assert.ok(waiting.size <= 2);
  controller.abort();
  await Promise.all(stuck);
  for (const response of waiting) if (!response.closed) await once(response, 'close');
});
