import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { Unavailable } from '../matrix/index.ts';
import type { Datastore } from './datastore.ts';
import { openFileDatastore } from './file-datastore.ts';

const signal = new AbortController().signal;

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-datastore-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function openIn(path: string, machineId = 0): Promise<Datastore> {
  const newUniqueId = () => `${createHash('sha1').update(randomBytes(32)).digest('hex')}1781234567890123456`;
  return await openFileDatastore({
    id: 'main',
    path,
    publicBaseUrl: '',
    machineId,
    newUniqueId,
    now: Date.now,
    log: pino({ enabled: false }),
  });
}

async function store(datastore: Datastore, bytes: Uint8Array): Promise<string> {
  await using temporary = await datastore.createTemporary('text/plain', signal);
  await temporary.write([bytes]);
  return await temporary.keep();
}

async function read(datastore: Datastore, location: string, start?: number, end?: number): Promise<Buffer> {
  const object = await datastore.open(location, signal);
  assert.ok(object);
  await using held = object;
  const chunks: Buffer[] = [];
  for await (const chunk of held.read({ start: start ?? 0, end: end ?? held.sizeBytes - 1 }, signal)) {
    chunks.push(Buffer.from(chunk)); // a copy: the chunk's memory is used again
  }
  return Buffer.concat(chunks);
}

test('a location never leads out of the folder', async (t) => {
  await using datastore = await openIn(await makeFolder(t));
  for (const location of ['../secret', 'aa/../../secret', '/etc/passwd', 'aa\0']) {
    await assert.rejects(datastore.open(location, signal), /outside of datastore|null bytes/);
    await assert.rejects(datastore.delete(location, signal), /outside of datastore|null bytes/);
  }
});

test('deleting an object does not disturb who is reading it', async (t) => {
  await using datastore = await openIn(await makeFolder(t));
  const location = await store(datastore, Buffer.from('being read'));
  const object = await datastore.open(location, signal);
  assert.ok(object);
  await using held = object;
  await datastore.delete(location, signal);
  assert.equal(await datastore.open(location, signal), undefined);
  const chunks = await Array.fromAsync(held.read({ start: 0, end: held.sizeBytes - 1 }, signal), (chunk) => `${chunk}`);
  assert.ok(chunks.length > 0);
});

test('at start, own temporaries are swept at once, those of other processes when they are a day old', async (t) => {
  const path = await makeFolder(t);
  const temporaries = join(path, '.vitrine-tmp');
  await mkdir(temporaries);
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  for (const name of ['0-own', '7-living', '7-dead']) await writeFile(join(temporaries, name), 'x');
  await utimes(join(temporaries, '7-dead'), yesterday, yesterday);
  await using _datastore = await openIn(path, 0);
  assert.deepEqual(await readdir(temporaries), ['7-living']);
});

test('a folder that cannot be made is told with its path', async (t) => {
  const file = join(await makeFolder(t), 'a-file');
  await writeFile(file, '');
  await assert.rejects(openIn(join(file, 'below')), /cannot be made or written/);
});

test('reading many more files than descriptors are kept closes the oldest and still reads them all', async (t) => {
  await using datastore = await openIn(await makeFolder(t));
  const locations: string[] = [];
  for (let count = 0; count < 600; count += 1) locations.push(await store(datastore, Buffer.from(`file ${count}`)));
  for (const [index, location] of locations.entries()) {
    assert.equal((await read(datastore, location)).toString(), `file ${index}`);
  }
});

test('an object that was lost is not there any more, also when it was read before', async (t) => {
  const path = await makeFolder(t);
  await using datastore = await openIn(path);
  const location = await store(datastore, Buffer.from('abc'));
  await (await datastore.open(location, signal))?.[Symbol.asyncDispose]();
  await rm(join(path, location));
  assert.equal(await datastore.open(location, signal), undefined);
});

test('a folder that is gone, or another one in its place, has not lost its objects, and nothing is stored there', async (t) => {
  const parent = await makeFolder(t);
  const path = join(parent, 'media');
  await using datastore = await openIn(path);
  const location = await store(datastore, Buffer.from('on the disk'));
  const away = join(parent, 'away');
  await rename(path, away);
  for (const isInPlace of [false, true]) {
    if (isInPlace) await mkdir(path); // as a mount point is there without its disk
    await assert.rejects(datastore.open(location, signal), Unavailable);
    await assert.rejects(datastore.delete(location, signal), Unavailable);
    await assert.rejects(Array.fromAsync(datastore.list('', signal)), Unavailable);
    await assert.rejects(datastore.checkHealth(signal), Unavailable);
    await assert.rejects(store(datastore, Buffer.from('in the wrong place')), Unavailable);
  }
  assert.deepEqual(await readdir(path), []);
  await rm(path, { recursive: true });
  await rename(away, path);
  assert.equal(String(await read(datastore, location)), 'on the disk');
  await rm(join(path, location));
  assert.equal(await datastore.open(location, signal), undefined);
});

test('a listing has every object once, in order and without temporaries, and goes on behind any location', async (t) => {
  const path = await makeFolder(t);
  await using datastore = await openIn(path);
  const locations: string[] = [];
  for (let count = 0; count < 600; count += 1) locations.push(await store(datastore, Buffer.alloc(count % 7)));
  await mkdir(join(path, 'a', 'b'), { recursive: true });
  for (const name of ['a-b', 'a.b', 'a0', join('a', 'b', 'c'), join('a', 'b-c')]) {
    await writeFile(join(path, name), 'foreign');
    locations.push(name);
  }
  await using _temporary = await datastore.createTemporary('text/plain', signal);
  const listed = (await Array.fromAsync(datastore.list('', signal))).filter((entry) => 'sizeBytes' in entry);
  assert.deepEqual(
    listed.map(({ location }) => location),
    [...locations].sort(),
  );
  const last = listed.find(({ location }) => location === 'a/b/c');
  assert.equal(last?.sizeBytes, 7);
  assert.ok(Math.abs((last?.modifiedTs ?? 0) - Date.now()) < 60_000);
  for (const after of ['a-b', 'a/', 'a/b/c', 'a0', locations[300] ?? '', 'zzz', '00/zz']) {
    const rest = await Array.fromAsync(datastore.list(after, signal), ({ location }) => location);
    assert.deepEqual(
      rest,
      [...locations].sort().filter((location) => location > after),
      `after ${after}`,
    );
  }
});
