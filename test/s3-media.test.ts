import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { startServing } from './asking-server.ts';
import { makeJpeg, sizeOf } from './pictures.ts';
import { type AskedOfS3, type S3Server, startS3Server } from './s3-server.ts';
import {
  ENGINES,
  listObjects,
  makeServiceFolder,
  pathOf,
  SERVER_NAME,
  startServiceIn,
  startTestService,
  type TestService,
  uploadBytes,
} from './service.ts';

type Opts = Readonly<Record<string, string>>;

const [engine] = ENGINES;
const bucketOf = ({ opts }: S3Server, more: Opts = {}, forKinds: readonly string[] = ['all']) => ({
  id: 'bucket',
  type: 's3',
  forKinds,
  opts: { ...opts, ...more },
});

async function start(t: TestContext, more: Opts = {}): Promise<{ server: S3Server; service: TestService }> {
  const server = await startS3Server(t);
  const service = await startTestService(t, engine, { datastores: [bucketOf(server, more)] });
  return { server, service };
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-s3-media-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function bytesOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

const isGet = ({ method }: AskedOfS3) => method === 'GET';
const LARGE = randomBytes(6_500_000);

for (const [name, makeOpts] of Object.entries({
  'part by part': async () => ({}),
  'by way of a folder': async (t: TestContext) => ({ tempPath: await makeFolder(t) }),
})) {
  test(`media in a bucket, sent ${name}: upload, download, ranges, HEAD, 304, and equal content once`, async (t) => {
    const { server, service } = await start(t, await makeOpts(t));
    for (const bytes of [randomBytes(1000), LARGE]) {
      const uri = await uploadBytes(service.ask, bytes, { type: 'image/png', name: 'a.png' });
      assert.equal(await uploadBytes(service.ask, bytes, { type: 'image/png', name: 'a.png' }), uri);
      assert.notEqual(await uploadBytes(service.ask, bytes, { type: 'image/png', name: 'b.png' }), uri);
      const whole = await service.ask(pathOf(uri));
      assert.equal(whole.headers.get('content-type'), 'image/png');
      assert.equal(whole.headers.get('content-length'), String(bytes.length));
      assert.ok((await bytesOf(whole)).equals(bytes));
      const part = await service.ask(pathOf(uri), { headers: { range: 'bytes=100-299' } });
      assert.equal(part.status, 206);
      assert.ok((await bytesOf(part)).equals(bytes.subarray(100, 300)));
      const several = await service.ask(pathOf(uri), { headers: { range: 'bytes=0-9,500-509' } });
      assert.ok((await bytesOf(several)).includes(bytes.subarray(500, 510)));
      const head = await service.ask(pathOf(uri), { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.length)]);
      const etag = whole.headers.get('etag') ?? '';
      assert.equal((await service.ask(pathOf(uri), { headers: { 'if-none-match': etag } })).status, 304);
    }
    assert.equal((await server.keys()).length, 2);
    assert.deepEqual(await server.openUploads(), []);
  });
}

test('a download, or a range of it, is one request to the bucket; what is known to be there costs none', async (t) => {
  const { server, service } = await start(t);
  const uri = await uploadBytes(service.ask, LARGE);
  const askedFor = async (headers: Record<string, string>) => {
    server.asked.length = 0;
    const answer = await service.ask(pathOf(uri), { headers });
    await answer.arrayBuffer();
    return server.asked.map((asked) => `${asked.method} ${asked.headers.range ?? ''}`);
  };
  assert.deepEqual(await askedFor({}), ['GET ']);
  assert.deepEqual(await askedFor({ range: 'bytes=5000000-' }), ['GET bytes=5000000-6499999']);
  const etag = (await service.ask(pathOf(uri), { method: 'HEAD' })).headers.get('etag') ?? '';
  assert.deepEqual(await askedFor({ 'if-none-match': etag }), []);
});

test('an upload that is refused or breaks off leaves nothing in the bucket', async (t) => {
  const server = await startS3Server(t);
  const uploads = { minBytes: 0, maxBytes: 7_000_000 };
  const service = await startTestService(t, engine, { datastores: [bucketOf(server)], uploads });
  const body = async function* () {
    for (let sent = 0; sent < 8_000_000; sent += 1_000_000) yield randomBytes(1_000_000);
  };
  const refused = await service.ask('/_matrix/media/v3/upload', {
    method: 'POST',
    body: ReadableStream.from(body()),
    duplex: 'half',
  } as RequestInit);
  assert.equal(refused.status, 413);
  assert.deepEqual([await server.keys(), await server.openUploads()], [[], []]);
});

test('an object that was lost is 500 for its readers, and the next upload of its content heals it', async (t) => {
  const { server, service } = await start(t);
  const uri = await uploadBytes(service.ask, LARGE, { name: 'one' });
  const [key = ''] = await server.keys();
  await server.lose(key);
  for (const init of [{}, { method: 'HEAD' }, { headers: { range: 'bytes=5-9' } }]) {
    const answer = await service.ask(pathOf(uri), init);
    assert.equal(answer.status, 500);
    assert.equal(answer.headers.get('etag'), null);
  }
  await uploadBytes(service.ask, LARGE, { name: 'two' });
  assert.ok((await bytesOf(await service.ask(pathOf(uri)))).equals(LARGE));
});

test('thumbnails are made from media in a bucket and kept there; one that is lost is made again', async (t) => {
  const { server, service } = await start(t);
  const uri = await uploadBytes(service.ask, await makeJpeg({ width: 1200, height: 900 }), { type: 'image/jpeg' });
  const path = `${pathOf(uri, 'thumbnail')}?width=320&height=240&method=scale`;
  const first = await bytesOf(await service.ask(path));
  assert.deepEqual(await sizeOf(first), { width: 320, height: 240 });
  const keys = await server.keys();
  assert.equal(keys.length, 2);
  for (const key of keys) if ((await server.read(key)).equals(first)) await server.lose(key);
  await service.stop(); // which remembers the thumbnail
  const restarted = await startServiceIn(t, service);
  assert.ok((await bytesOf(await restarted.ask(path))).equals(first));
});

test('clients are sent to a public bucket, and other servers too; who cannot be sent gets the bytes', async (t) => {
  const server = await startS3Server(t);
  const publicBaseUrl = 'https://cdn.example.org/media/';
  const serving = await startServing(t, { datastores: [bucketOf(server, { publicBaseUrl })] });
  const { service } = serving;
  const remote = await serving.addServer('remote.example.net', 1);
  for (const bytes of [randomBytes(1000), LARGE]) {
    const before = await server.keys();
    const uri = await uploadBytes(service.ask, bytes, { type: 'image/png' });
    const key = (await server.keys()).find((found) => !before.includes(found)) ?? '';
    server.asked.length = 0;
    const answer = await service.ask(pathOf(uri), { redirect: 'manual' });
    assert.deepEqual([answer.status, answer.headers.get('location')], [307, publicBaseUrl + key]);
    const mediaId = uri.slice(`mxc://${SERVER_NAME}/`.length);
    const told = await remote.ask(`download/${mediaId}`);
    assert.match(told.body.toString(), new RegExp(`\r\nLocation: ${publicBaseUrl}${key}\r\n`));
    assert.deepEqual(server.asked, []);
    assert.equal(await server.contentTypeOf(key), 'image/png');
    const here = await service.ask(`/_matrix/media/v3/download/${SERVER_NAME}/${mediaId}`, { redirect: 'manual' });
    assert.ok((await bytesOf(here)).equals(bytes));
    // What is at hand by now is sent from here.
    const again = await service.ask(pathOf(uri), { redirect: 'manual' });
    assert.equal(again.status, bytes === LARGE ? 307 : 200);
  }
});

test('redirects can be wanted also for what is at hand', async (t) => {
  const { service } = await start(t, { publicBaseUrl: 'https://cdn.example.org/', redirectWhenCached: 'true' });
  const uri = await uploadBytes(service.ask, randomBytes(1000));
  await service.ask(`/_matrix/media/v3/download/${uri.slice('mxc://'.length)}`);
  assert.equal((await service.ask(pathOf(uri), { redirect: 'manual' })).status, 307);
});

test('clients are sent to a private bucket by a URL that is signed for a while, with type and name', async (t) => {
  const { service } = await start(t, { signedRedirectSeconds: '60' });
  // The server of the tests reads signatures over "*" otherwise than Amazon, so the name has no other letters.
  const uri = await uploadBytes(service.ask, LARGE, { type: 'image/png', name: 'a b.png' });
  const answer = await service.ask(pathOf(uri), { redirect: 'manual' });
  assert.deepEqual([answer.status, answer.headers.get('cache-control')], [307, 'no-store']);
  const there = await fetch(answer.headers.get('location') ?? '');
  assert.ok((await bytesOf(there)).equals(LARGE));
  assert.equal(there.headers.get('content-type'), 'image/png');
  assert.equal(there.headers.get('content-disposition'), 'inline; filename="a b.png"');
});

test('copies on a local disk answer when the bucket is away, also after a restart', async (t) => {
  const { server, service } = await start(t, { cachePath: await makeFolder(t) });
  const uri = await uploadBytes(service.ask, LARGE);
  await (await service.ask(pathOf(uri))).arrayBuffer();
  server.fault = () => ({ kind: 'refuse', status: 503, code: 'ServiceUnavailable' });
  assert.ok((await bytesOf(await service.ask(pathOf(uri)))).equals(LARGE));
  await service.stop();
  const restarted = await startServiceIn(t, service);
  assert.ok((await bytesOf(await restarted.ask(pathOf(uri)))).equals(LARGE));
  const part = await restarted.ask(pathOf(uri), { headers: { range: 'bytes=6000000-' } });
  assert.ok((await bytesOf(part)).equals(LARGE.subarray(6_000_000)));
});

test('a bucket that stalls or refuses is 503 for its own media, and no trouble for media in a folder', async (t) => {
  const server = await startS3Server(t);
  const folder = await makeFolder(t);
  const file = { id: 'main', type: 'file', forKinds: ['local_media'], opts: { path: folder } };
  const bucket = bucketOf(server, { timeoutSeconds: '1', maxConnections: '2' }, [
    'local_media',
    'remote_media',
    'thumbnails',
  ]);
  const prepared = await makeServiceFolder(t, engine, { datastores: [bucket] });
  const before = await startServiceIn(t, prepared);
  const inBucket = await uploadBytes(before.ask, LARGE);
  await before.stop();
  // From now on new media goes into the folder.
  const config = parse(await readFile(prepared.configPath, 'utf8')) as Record<string, unknown>;
  const cold = { ...bucket, forKinds: ['remote_media', 'thumbnails'] };
  await writeFile(prepared.configPath, stringify({ ...config, datastores: [cold, file] }));
  const service = await startServiceIn(t, prepared);
  assert.ok((await bytesOf(await service.ask(pathOf(inBucket)))).equals(LARGE));
  for (const fault of [{ kind: 'stall' }, { kind: 'refuse', status: 503, code: 'SlowDown' }] as const) {
    server.fault = () => fault;
    const waiting = Promise.all(Array.from({ length: 20 }, () => service.ask(pathOf(inBucket))));
    const bytes = randomBytes(300_000);
    const uri = await uploadBytes(service.ask, bytes);
    assert.ok((await bytesOf(await service.ask(pathOf(uri)))).equals(bytes));
    for (const answer of await waiting) {
      assert.equal(answer.status, 503);
      assert.equal(((await answer.json()) as { errcode: string }).errcode, 'M_UNKNOWN');
    }
    assert.equal((await service.ask('/readyz')).status, 503);
  }
  server.fault = () => undefined;
  assert.ok((await bytesOf(await service.ask(pathOf(inBucket)))).equals(LARGE));
  assert.equal((await readdir(folder, { recursive: true })).filter((name) => name.endsWith('idv2fmt')).length, 2);
});

test('a body that breaks off at the bucket reaches the client whole all the same', async (t) => {
  const { server, service } = await start(t);
  const uri = await uploadBytes(service.ask, LARGE);
  let isBroken = false;
  server.fault = (asked) => {
    if (isBroken || !isGet(asked)) return undefined;
    isBroken = true;
    return { kind: 'break', afterBytes: 2_000_000 };
  };
  assert.ok((await bytesOf(await service.ask(pathOf(uri)))).equals(LARGE));
});

test('an upload that the bucket does not take is 503, and has no record', async (t) => {
  const { server, service } = await start(t);
  server.fault = ({ method }) => (method === 'PUT' ? { kind: 'refuse', status: 503, code: 'SlowDown' } : undefined);
  for (const bytes of [randomBytes(1000), LARGE]) {
    const answer = await service.ask('/_matrix/media/v3/upload', { method: 'POST', body: bytes });
    assert.equal(answer.status, 503);
  }
  server.fault = () => undefined;
  assert.deepEqual([await server.keys(), await server.openUploads()], [[], []]);
  const uri = await uploadBytes(service.ask, LARGE);
  assert.ok((await bytesOf(await service.ask(pathOf(uri)))).equals(LARGE));
});

test('the service starts while the bucket is away', async (t) => {
  const server = await startS3Server(t);
  server.fault = () => ({ kind: 'refuse', status: 503, code: 'SlowDown' });
  const service = await startTestService(t, engine, { datastores: [bucketOf(server)] });
  server.fault = () => undefined;
  await uploadBytes(service.ask, randomBytes(10));
});

test('a start without a datastore that holds media is refused, with the names of all that are missing', async (t) => {
  const server = await startS3Server(t);
  const service = await startTestService(t, engine, { datastores: [bucketOf(server)] });
  await uploadBytes(service.ask, randomBytes(10));
  await service.stop();
  const config = parse(await readFile(service.configPath, 'utf8')) as Record<string, unknown>;
  const other = { id: 'other', type: 'file', forKinds: ['all'], opts: { path: service.media } };
  await writeFile(service.configPath, stringify({ ...config, datastores: [other] }));
  await assert.rejects(startServiceIn(t, service), /datastores that are not configured: "bucket"/);
  assert.deepEqual(await listObjects(service), []);
});

test('a cold bucket is read, and new media goes elsewhere', async (t) => {
  const server = await startS3Server(t);
  const service = await startTestService(t, engine, { datastores: [bucketOf(server)] });
  const old = await uploadBytes(service.ask, LARGE);
  await service.stop();
  const config = parse(await readFile(service.configPath, 'utf8')) as Record<string, unknown>;
  const warm = { id: 'warm', type: 'file', forKinds: ['all'], opts: { path: service.media } };
  await writeFile(service.configPath, stringify({ ...config, datastores: [bucketOf(server, {}, []), warm] }));
  const restarted = await startServiceIn(t, service);
  assert.ok((await bytesOf(await restarted.ask(pathOf(old)))).equals(LARGE));
  await uploadBytes(restarted.ask, randomBytes(10));
  assert.equal((await server.keys()).length, 1);
  assert.equal((await listObjects(service)).length, 1);
});
