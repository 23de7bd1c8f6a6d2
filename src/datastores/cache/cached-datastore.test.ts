import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { ByteRange, Datastore, Redirect } from '../datastore.ts';
import { withObjectCache } from './cached-datastore.ts';
import { openObjectCache } from './object-cache.ts';

/** A slow datastore that counts how often it is read. */
function playDatastore(objects: ReadonlyMap<string, Buffer>, redirect?: Redirect) {
  const reads: ByteRange[] = [];
  const refuse = async (): Promise<never> => assert.fail('not expected');
  const datastore: Datastore = {
    id: 'slow',
    createTemporary: refuse,
    open: refuse,
    list: () => assert.fail('not expected'),
    async openKnown(location, { sizeBytes }) {
      return {
        sizeBytes,
        redirect,
        async *read(range) {
          reads.push(range);
          const bytes = objects.get(location) ?? Buffer.alloc(0);
          for (let start = range.start; start <= range.end; start += 50_000) {
            yield bytes.subarray(start, Math.min(start + 50_000, range.end + 1));
          }
        },
        async [Symbol.asyncDispose]() {},
      };
    },
    async delete() {},
    async checkHealth() {},
    async [Symbol.asyncDispose]() {},
  };
  return { datastore, reads };
}

const MAX_BYTES = 4_000_000;

async function start(t: TestContext, sizes: readonly number[] = [200_000], redirect?: Redirect) {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-cache-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const objects = new Map(sizes.map((size, index) => [`object-${index}`, randomBytes(size)]));
  const { datastore, reads } = playDatastore(objects, redirect);
  let nowMs = Date.now();
  const open = async () => {
    const cache = await openObjectCache({ path, maxBytes: MAX_BYTES, now: () => nowMs, log: pino({ enabled: false }) });
    await cache.loaded;
    const cached = withObjectCache(datastore, cache);
    t.after(() => cached[Symbol.asyncDispose]());
    return cached;
  };
  const openKnown = async (cached: Datastore, index: number) => {
    const bytes = objects.get(`object-${index}`) ?? Buffer.alloc(0);
    const known = { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    const object = await cached.openKnown(`object-${index}`, known, t.signal);
    assert.ok(object);
    return { object, bytes };
  };
  const readObject = async (cached: Datastore, index: number, part?: ByteRange) => {
    const { object, bytes } = await openKnown(cached, index);
    await using held = object;
    const range = part ?? { start: 0, end: bytes.length - 1 };
    const chunks = await Array.fromAsync(held.read(range, t.signal), (chunk) => Buffer.from(chunk));
    assert.ok(Buffer.concat(chunks).equals(bytes.subarray(range.start, range.end + 1)));
  };
  const files = async () =>
    (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { path, open, openKnown, readObject, reads, files, pass, objects };
}

test('what was read whole is read from the disk from then on, also in parts, and after a restart', async (t) => {
  const { open, readObject, reads } = await start(t);
  const cached = await open();
  for (let time = 0; time < 3; time += 1) await readObject(cached, 0);
  await readObject(cached, 0, { start: 1000, end: 70_000 });
  await readObject(await open(), 0);
  assert.equal(reads.length, 1);
});

test('what was read in part is not kept, and neither is what nobody read to its end', async (t) => {
  const { open, openKnown, readObject, reads, files } = await start(t);
  const cached = await open();
  await readObject(cached, 0, { start: 0, end: 1000 });
  const { object } = await openKnown(cached, 0);
  for await (const _chunk of object.read({ start: 0, end: 199_999 }, t.signal)) break;
  assert.deepEqual(await files(), []);
  await readObject(cached, 0);
  assert.equal(reads.length, 3);
});

test('the copies that nobody has read for longest go first, and all together keep within the bound', async (t) => {
  const { open, readObject, reads, files } = await start(t, Array<number>(12).fill(400_000));
  const cached = await open();
  for (let index = 0; index < 7; index += 1) await readObject(cached, index);
  await readObject(cached, 0);
  for (let index = 7; index < 12; index += 1) await readObject(cached, index);
  const before = reads.length;
  await readObject(cached, 0);
  assert.equal(reads.length, before);
  await readObject(cached, 1);
  assert.equal(reads.length, before + 1);
  const sizes = await Promise.all((await files()).map(async (path) => (await stat(path)).size));
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= MAX_BYTES);
});

test('after a restart, too, those go first that were used longest ago', async (t) => {
  const { open, readObject, reads, pass } = await start(t, Array<number>(10).fill(400_000));
  const first = await open();
  for (let index = 0; index < 7; index += 1) await readObject(first, index);
  pass(3_600_000);
  for (const index of [0, 1]) await readObject(first, index);
  const second = await open();
  for (const index of [7, 8]) await readObject(second, index);
  const before = reads.length;
  for (const index of [0, 1]) await readObject(second, index);
  assert.equal(reads.length, before);
});

test('an object that would fill much of the cache is not copied', async (t) => {
  const { open, readObject, files } = await start(t, [600_000]);
  await readObject(await open(), 0);
  assert.deepEqual(await files(), []);
});

test('content that is not what the database says is not kept', async (t) => {
  const { open, openKnown, objects, files } = await start(t);
  const cached = await open();
  const { object } = await openKnown(cached, 0);
  objects.set('object-0', randomBytes(200_000));
  await Array.fromAsync(object.read({ start: 0, end: 199_999 }, t.signal), () => 0);
  assert.deepEqual(await files(), []);
});

test('a copy of another size is thrown away, and a folder that was emptied is filled again', async (t) => {
  const { path, open, readObject, reads, files } = await start(t);
  await readObject(await open(), 0);
  for (const file of await files()) await truncate(file, 100_000);
  const cached = await open();
  await readObject(cached, 0);
  assert.equal(reads.length, 2);
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true });
  const emptied = await open();
  await rm(path, { recursive: true });
  await readObject(emptied, 0);
  await readObject(emptied, 0);
  assert.equal(reads.length, 3);
});

test('a copy that somebody has changed is not sent: it is thrown away, and the object is copied anew', async (t) => {
  const changes: Record<string, (file: string) => Promise<void>> = {
    'other bytes': (file) => writeFile(file, randomBytes(200_000)),
    'one byte, and the times set back': async (file) => {
      const { atime, mtime } = await stat(file);
      const handle = await openFile(file, 'r+');
      await handle.write(Buffer.from([(await readFile(file)).readUInt8(77) ^ 1]), 0, 1, 77);
      await handle.close();
      await utimes(file, atime, mtime);
    },
    'cut and filled up': async (file) => {
      await truncate(file, 100);
      await truncate(file, 200_000);
    },
    'another file in its place': async (file) => {
      await writeFile(`${file}.new`, randomBytes(200_000));
      await rename(`${file}.new`, file);
    },
    deleted: (file) => rm(file),
  };
  for (const [how, change] of Object.entries(changes)) {
    for (const isRestarted of [false, true]) {
      await t.test(`${how}, ${isRestarted ? 'before a restart' : 'while it is in use'}`, async (t) => {
        const { open, readObject, reads, files } = await start(t);
        const first = await open();
        for (let time = 0; time < 2; time += 1) await readObject(first, 0);
        assert.equal(reads.length, 1);
        for (const file of await files()) await change(file);
        const cached = isRestarted ? await open() : first;
        for (let time = 0; time < 3; time += 1) await readObject(cached, 0);
        assert.equal(reads.length, 2);
        await readObject(cached, 0, { start: 70, end: 80 });
        assert.equal((await files()).length, 1);
      });
    }
  }
});

test('that we note when a copy was used does not count as a change', async (t) => {
  const { open, readObject, reads, pass } = await start(t);
  const cached = await open();
  for (let time = 0; time < 5; time += 1) {
    await Promise.all([readObject(cached, 0), readObject(cached, 0), readObject(cached, 0)]);
    if (time === 0) reads.length = 0;
    pass(3_600_000);
  }
  assert.equal(reads.length, 0);
});

test('a deleted object leaves no copy, not even one that is just being made', async (t) => {
  const { open, openKnown, readObject, files } = await start(t);
  const cached = await open();
  await readObject(cached, 0);
  await cached.delete('object-0', t.signal);
  assert.deepEqual(await files(), []);
  const { object } = await openKnown(cached, 0);
  for await (const _chunk of object.read({ start: 0, end: 199_999 }, t.signal))
    await cached.delete('object-0', t.signal);
  assert.deepEqual(await files(), []);
});

test('clients are sent elsewhere for what is not at hand only, unless that is always wanted', async (t) => {
  for (const isPreferred of [false, true]) {
    const { open, openKnown, readObject } = await start(t, [200_000], {
      isPreferred,
      url: async () => 'https://cdn.example.org/',
    });
    const cached = await open();
    assert.ok((await openKnown(cached, 0)).object.redirect);
    await readObject(cached, 0);
    assert.equal((await openKnown(cached, 0)).object.redirect !== undefined, isPreferred);
  }
});

test('whoever opens the cache and copies nothing, as commands do, leaves no folder', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-cache-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const folder = join(path, '1024-abc');
  const cache = await openObjectCache({
    path: folder,
    maxBytes: MAX_BYTES,
    now: Date.now,
    log: pino({ enabled: false }),
  });
  await cache.loaded;
  await cache.close();
  assert.deepEqual(await readdir(path), []);
});
