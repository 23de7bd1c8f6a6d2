import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { type AskedOfS3, type S3Fault, type S3Server, startS3Server } from '../../../test/s3-server.ts';
import { readS3Options } from '../../config/index.ts';
import { StorageFull, Unavailable } from '../../matrix/index.ts';
import type { Datastore, Temporary } from '../datastore.ts';
import { openS3Datastore } from './s3-datastore.ts';

type Opts = Readonly<Record<string, string>>;

async function open(t: TestContext, server: S3Server, opts: Opts = {}): Promise<Datastore> {
  const datastore = await openS3Datastore({
    id: 'bucket',
    options: readS3Options({ ...server.opts, ...opts }),
    machineId: 0,
    newUniqueId: () => `${createHash('sha1').update(randomBytes(32)).digest('hex')}1781234567890123456`,
    now: Date.now,
    log: pino({ enabled: false }),
  });
  t.after(() => datastore[Symbol.asyncDispose]());
  return datastore;
}

async function start(t: TestContext, opts: Opts = {}) {
  const server = await startS3Server(t);
  return { server, datastore: await open(t, server, opts) };
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-spool-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function store(
  t: TestContext,
  datastore: Datastore,
  bytes: Uint8Array,
  contentType = 'image/png',
): Promise<string> {
  await using temporary = await datastore.createTemporary(contentType, t.signal);
  await temporary.write([bytes]);
  return await temporary.keep();
}

async function read(t: TestContext, datastore: Datastore, location: string, sizeBytes: number): Promise<Buffer> {
  await using object = await datastore.openKnown(location, { sizeBytes, sha256: '' }, t.signal);
  assert.ok(object);
  const chunks = await Array.fromAsync(object.read({ start: 0, end: sizeBytes - 1 }, t.signal), (chunk) =>
    Buffer.from(chunk),
  );
  return Buffer.concat(chunks);
}

/** The fault for the first so many requests that it is about. */
function firstly(count: number, fault: S3Fault, isMeant: (asked: AskedOfS3) => boolean) {
  let left = count;
  return (asked: AskedOfS3) => {
    if (left === 0 || !isMeant(asked)) return undefined;
    left -= 1;
    return fault;
  };
}

const isGet = ({ method }: AskedOfS3) => method === 'GET';
const isPut = ({ method }: AskedOfS3) => method === 'PUT';
const isCompletion = ({ method, url }: AskedOfS3) => method === 'POST' && url.includes('uploadId');
const BUSY: S3Fault = { kind: 'refuse', status: 503, code: 'SlowDown' };

test('an object is read by one request, which knows its size and whether it is there', async (t) => {
  const { server, datastore } = await start(t);
  const bytes = randomBytes(300_000);
  const location = await store(t, datastore, bytes);
  server.asked.length = 0;
  assert.ok((await read(t, datastore, location, bytes.length)).equals(bytes));
  assert.deepEqual(
    server.asked.map(({ method }) => method),
    ['GET'],
  );
});

test('what was asked for to confirm an object is what is read then', async (t) => {
  const { server, datastore } = await start(t);
  const bytes = randomBytes(300_000);
  const location = await store(t, datastore, bytes);
  server.asked.length = 0;
  await using object = await datastore.openKnown(location, { sizeBytes: bytes.length, sha256: '' }, t.signal);
  assert.ok(object);
  await object.confirm?.(t.signal);
  const chunks = await Array.fromAsync(object.read({ start: 0, end: bytes.length - 1 }, t.signal), (chunk) =>
    Buffer.from(chunk),
  );
  assert.ok(Buffer.concat(chunks).equals(bytes));
  assert.equal(server.asked.length, 1);
});

test('a service that is busy is asked again', async (t) => {
  const { server, datastore } = await start(t, { timeoutSeconds: '20' });
  const bytes = randomBytes(6_000_000);
  server.fault = firstly(1, BUSY, isPut);
  const location = await store(t, datastore, bytes);
  server.fault = firstly(1, BUSY, isGet);
  assert.ok((await read(t, datastore, location, bytes.length)).equals(bytes));
});

test('a service that stays busy is 503, and leaves nothing behind', async (t) => {
  const { server, datastore } = await start(t);
  for (const size of [1000, 6_000_000]) {
    server.fault = (asked) => (isPut(asked) || isCompletion(asked) ? BUSY : undefined);
    await assert.rejects(store(t, datastore, randomBytes(size)), Unavailable);
    server.fault = (asked) => (isCompletion(asked) ? BUSY : undefined);
    if (size > 5_000_000) await assert.rejects(store(t, datastore, randomBytes(size)), Unavailable);
  }
  assert.deepEqual([await server.keys(), await server.openUploads()], [[], []]);
  server.fault = () => BUSY;
  await assert.rejects(read(t, datastore, 'aa', 5), Unavailable);
  await assert.rejects(datastore.checkHealth(t.signal), Unavailable);
});

test('a service that stalls is waited for so long as is configured', async (t) => {
  const { server, datastore } = await start(t, { timeoutSeconds: '1' });
  server.fault = () => ({ kind: 'stall' });
  const startedMs = performance.now();
  await assert.rejects(read(t, datastore, 'aa', 5), Unavailable);
  await assert.rejects(datastore.open('aa', t.signal), Unavailable);
  assert.ok(performance.now() - startedMs < 10_000);
});

test('a body that breaks off, or brings nothing more, is taken up again where it was', async (t) => {
  const { server, datastore } = await start(t, { timeoutSeconds: '1' });
  const bytes = randomBytes(3_000_000);
  const location = await store(t, datastore, bytes);
  for (const kind of ['break', 'stop'] as const) {
    server.asked.length = 0;
    server.fault = firstly(1, { kind, afterBytes: 1_000_000 }, isGet);
    assert.ok((await read(t, datastore, location, bytes.length)).equals(bytes));
    const [, second] = server.asked;
    assert.match(second?.headers.range ?? '', /^bytes=\d+-2999999$/);
    assert.match(String(second?.headers['if-match']), /^"[0-9a-f]+/);
  }
});

test('a body that breaks off again and again is given up', async (t) => {
  const { server, datastore } = await start(t);
  const location = await store(t, datastore, randomBytes(3_000_000));
  server.fault = () => ({ kind: 'break', afterBytes: 1000 });
  await assert.rejects(read(t, datastore, location, 3_000_000), Unavailable);
});

test('bytes of two different objects are never put together', async (t) => {
  const { server, datastore } = await start(t);
  const location = await store(t, datastore, randomBytes(3_000_000));
  let count = 0;
  server.fault = () => (count++ === 0 ? { kind: 'break', afterBytes: 1_000_000 } : { kind: 'wrong etag' });
  await assert.rejects(read(t, datastore, location, 3_000_000), ({ cause }) =>
    /has changed while it was read/.test(String(cause)),
  );
});

test('an answer that was lost is no reason to fail, or to store twice', async (t) => {
  const { server, datastore } = await start(t);
  for (const [size, isMeant] of [
    [1000, isPut],
    [6_000_000, isPut],
    [6_000_000, isCompletion],
  ] as const) {
    const bytes = randomBytes(size);
    server.fault = firstly(1, { kind: 'lose answer' }, isMeant);
    const location = await store(t, datastore, bytes);
    server.fault = () => undefined;
    assert.ok((await read(t, datastore, location, size)).equals(bytes));
  }
  assert.equal((await server.keys()).length, 3);
  assert.deepEqual(await server.openUploads(), []);
});

test('an object that may have been stored although nobody said so is taken away again', async (t) => {
  const { server, datastore } = await start(t);
  for (const [size, isMeant] of [
    [1000, isPut],
    [6_000_000, isCompletion],
  ] as const) {
    let isDone = false;
    server.fault = (asked) => {
      if (!isMeant(asked)) return undefined;
      const fault: S3Fault = isDone ? BUSY : { kind: 'lose answer' };
      isDone = true;
      return fault;
    };
    await assert.rejects(store(t, datastore, randomBytes(size)), Unavailable);
  }
  assert.deepEqual([await server.keys(), await server.openUploads()], [[], []]);
});

test('nothing of a small upload is sent before it is wanted, and of a large one that is not nothing stays', async (t) => {
  const { server, datastore } = await start(t);
  {
    await using temporary = await datastore.createTemporary('image/png', t.signal);
    await temporary.write([randomBytes(1_000_000)]);
  }
  assert.deepEqual(server.asked, []);
  {
    await using temporary = await datastore.createTemporary('image/png', t.signal);
    await temporary.write([randomBytes(11_000_000)]);
    assert.equal((await server.openUploads()).length, 1);
    assert.deepEqual(await server.keys(), []);
  }
  assert.deepEqual([await server.keys(), await server.openUploads()], [[], []]);
});

test('uploads share the memory for parts: who comes later waits until one has got through', async (t) => {
  const { datastore } = await start(t, { partBuffers: '1' });
  const large = [randomBytes(6_000_000), randomBytes(6_000_000)];
  const locations = await Promise.all(large.map((bytes) => store(t, datastore, bytes)));
  for (const [index, location] of locations.entries()) {
    assert.ok((await read(t, datastore, location, 6_000_000)).equals(large[index] ?? Buffer.alloc(0)));
  }
});

function setTemporary(folder: string | undefined): void {
  if (folder === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = folder;
}

for (const tmp of ['a folder', 'nowhere'] as const) {
  test(`clients that send slowly hold up nobody, with ${tmp} for what does not fit into memory`, async (t) => {
    const folder = await makeFolder(t);
    const before = process.env['TMPDIR'];
    const { datastore } = await start(t, { partBuffers: '4', timeoutSeconds: '30' });
    await writeFile(join(folder, 'file'), '');
    t.after(() => setTemporary(before));
    setTemporary(tmp === 'nowhere' ? join(folder, 'file', 'below') : folder);
    // Without a folder, as many as may have memory without being whole.
    const slow = Array.from({ length: tmp === 'nowhere' ? 3 : 7 }, () => randomBytes(6_000_000));
    const begun: Temporary[] = [];
    for (const bytes of slow) {
      const temporary = await datastore.createTemporary('image/png', t.signal);
      begun.push(temporary);
      await temporary.write([bytes.subarray(0, 1_000_000)]);
    }
    const quick = [randomBytes(12_000_000), randomBytes(3_000_000), randomBytes(300_000)];
    if (tmp === 'nowhere') quick.splice(0, 2);
    for (const bytes of quick) {
      const location = await store(t, datastore, bytes);
      assert.ok((await read(t, datastore, location, bytes.length)).equals(bytes));
    }
    await Promise.all(
      begun.map(async (temporary, index) => {
        const bytes = slow[index] ?? Buffer.alloc(0);
        await temporary.write([bytes.subarray(1_000_000, 5_500_000), bytes.subarray(5_500_000)]);
        const location = await temporary.keep();
        await temporary[Symbol.asyncDispose]();
        assert.ok((await read(t, datastore, location, bytes.length)).equals(bytes));
      }),
    );
    assert.deepEqual(await readdir(folder), ['file']);
    setTemporary(before);
  });
}

test('type and storage class are said of each object, and no type that is no type', async (t) => {
  const { server, datastore } = await start(t, { storageClass: 'STANDARD_IA' });
  for (const size of [1000, 6_000_000]) {
    const location = await store(t, datastore, randomBytes(size), 'image/png');
    assert.equal(await server.contentTypeOf(location), 'image/png');
  }
  const begun = server.asked.filter(({ method, url }) =>
    method === 'POST' ? url.includes('?uploads') : !url.includes('uploadId'),
  );
  assert.deepEqual(
    begun.map(({ headers }) => headers['x-amz-storage-class']),
    ['STANDARD_IA', 'STANDARD_IA'],
  );
  const odd = await store(t, datastore, randomBytes(10), 'image/\u00e9\r\nx: y');
  assert.equal(await server.contentTypeOf(odd), 'application/octet-stream');
});

test('a region that nobody has configured is the one that the service names', async (t) => {
  const { server, datastore } = await start(t, { region: '' });
  server.fault = ({ headers }) =>
    headers.authorization?.includes('/garage/') === false
      ? { kind: 'refuse', status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>garage</Region>' }
      : undefined;
  const location = await store(t, datastore, Buffer.from('found'));
  assert.equal(String(await read(t, datastore, location, 5)), 'found');
});

test('a bucket that is gone, or something in its place that is no S3, has not lost its objects', async (t) => {
  const { server, datastore } = await start(t);
  const location = await store(t, datastore, randomBytes(1000));
  assert.equal(await datastore.open('aa', t.signal), undefined);
  for (const code of ['NoSuchBucket', 'NotFound', '']) {
    server.fault = () => ({ kind: 'refuse', status: 404, code });
    await assert.rejects(datastore.open(location, t.signal), Unavailable);
    await assert.rejects(Array.fromAsync(datastore.list('', t.signal)), Unavailable);
  }
  server.fault = () => undefined;
  assert.ok(await datastore.open(location, t.signal));
});

test('a full store is 507', async (t) => {
  const { server, datastore } = await start(t);
  server.fault = (asked) => (isPut(asked) ? { kind: 'refuse', status: 507, code: 'XMinioStorageFull' } : undefined);
  await assert.rejects(store(t, datastore, randomBytes(10)), StorageFull);
});

test('what a service repeats of keys and signatures is in no error', async (t) => {
  const { server, datastore } = await start(t, { accessKeyId: 'hidden-key', accessSecret: 'hidden-secret' });
  server.fault = () => ({
    kind: 'refuse',
    status: 403,
    code: 'SignatureDoesNotMatch',
    more: '<AWSAccessKeyId>hidden-key</AWSAccessKeyId><StringToSign>hidden-text</StringToSign><SignatureProvided>hidden-signature</SignatureProvided>',
  });
  for (const deed of [
    () => datastore.checkHealth(t.signal),
    () => read(t, datastore, 'aa', 1),
    () => store(t, datastore, randomBytes(10)),
    () => datastore.delete('aa', t.signal),
  ]) {
    const error = await deed().then(
      () => assert.fail('no error'),
      (thrown: unknown) => thrown,
    );
    const told = inspect(error, { depth: 9, showHidden: true });
    assert.match(told, /SignatureDoesNotMatch/);
    assert.doesNotMatch(told, /hidden/);
  }
});

test('without keys in the configuration, those of the environment are taken; without any, nothing is signed', async (t) => {
  const server = await startS3Server(t);
  const played = { AWS_EC2_METADATA_DISABLED: 'true', HOME: await makeFolder(t) };
  for (const keys of [{ AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' }, {}]) {
    const before = { ...process.env };
    Object.assign(process.env, played, keys);
    try {
      const datastore = await open(t, server, { accessKeyId: '', accessSecret: '', signedRedirectSeconds: '60' });
      server.asked.length = 0;
      await datastore.open('aa', t.signal);
      const isSigned = 'AWS_ACCESS_KEY_ID' in keys;
      assert.equal(server.asked[0]?.headers.authorization?.includes('S3RVER') ?? false, isSigned);
      await using object = await datastore.openKnown('aa', { sizeBytes: 1, sha256: '' }, t.signal);
      const headers = { 'Content-Type': 'text/plain', 'Content-Disposition': 'inline' };
      assert.equal((await object?.redirect?.url(headers, t.signal)) !== undefined, isSigned);
    } finally {
      for (const name of [...Object.keys(played), ...Object.keys(keys)]) delete process.env[name];
      Object.assign(process.env, before);
    }
  }
});

test('a signed URL shows the object to whoever has it, as what the media is, for the configured time', async (t) => {
  const { datastore } = await start(t, { signedRedirectSeconds: '90' });
  const location = await store(t, datastore, Buffer.from('shown'));
  await using object = await datastore.openKnown(location, { sizeBytes: 5, sha256: '' }, t.signal);
  const headers = { 'Content-Type': 'text/plain', 'Content-Disposition': 'attachment; filename="a b.txt"' };
  const url = await object?.redirect?.url(headers, t.signal);
  assert.ok(url);
  assert.equal(object?.redirect?.isPreferred, false);
  assert.equal(new URL(url).searchParams.get('X-Amz-Expires'), '90');
  const answer = await fetch(url);
  assert.equal(await answer.text(), 'shown');
  assert.equal(answer.headers.get('content-type'), 'text/plain');
  assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="a b.txt"');
});

test('at start, own temporaries in the folder are swept, and what is not ours stays', async (t) => {
  const server = await startS3Server(t);
  const tempPath = await makeFolder(t);
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  const names = ['vitrine-s3-0-own', 'vitrine-s3-7-living', 'vitrine-s3-7-dead', '0-of-others'];
  for (const name of names) await writeFile(join(tempPath, name), 'x');
  for (const name of ['vitrine-s3-7-dead', '0-of-others']) await utimes(join(tempPath, name), yesterday, yesterday);
  const datastore = await open(t, server, { tempPath });
  assert.deepEqual((await readdir(tempPath)).sort(), ['0-of-others', 'vitrine-s3-7-living']);
  await rm(tempPath, { recursive: true }); // as MMR does it
  await store(t, datastore, randomBytes(10));
  assert.deepEqual(await readdir(tempPath), []);
});
