import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { pino } from 'pino';
import { type S3Server, startS3Server } from '../../test/s3-server.ts';
import { type DatastoreConfig, readS3Options } from '../config/index.ts';
import type { Datastore } from './datastore.ts';
import { openDatastores } from './datastores.ts';

const signal = new AbortController().signal;

/** A datastore as an operator would have configured it, and a look behind it. */
interface Place {
  readonly datastore: Datastore;
  /** Locations of what is there for good. */
  list(): Promise<string[]>;
  read(location: string): Promise<Buffer>;
  /** What is there beside the objects: temporaries, parts of uploads. */
  remains(): Promise<string[]>;
  readonly location: RegExp;
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-datastore-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function openOne(t: TestContext, config: Pick<DatastoreConfig, 'type' | 'opts'>): Promise<Datastore> {
  const datastores = await openDatastores([{ id: 'main', forKinds: ['all'], ...config }], {
    machineId: 0,
    newUniqueId: () => `${createHash('sha1').update(randomBytes(32)).digest('hex')}1781234567890123456`,
    now: Date.now,
    log: pino({ enabled: false }),
    measure: async () => new Map(),
  });
  t.after(() => datastores[Symbol.asyncDispose]());
  const datastore = datastores.find('main');
  assert.ok(datastore);
  return datastore;
}

async function openFolder(t: TestContext): Promise<Place> {
  const path = await makeFolder(t);
  const list = async () => (await readdir(path, { recursive: true })).filter((name) => name.endsWith('idv2fmt'));
  return {
    datastore: await openOne(t, { type: 'file', opts: { path } }),
    list,
    read: (location) => readFile(join(path, location)),
    remains: () => readdir(join(path, '.vitrine-tmp')),
    location: /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{36}\d{19}idv2fmt$/,
  };
}

function bucketWith(opts: (t: TestContext) => Promise<Record<string, string>>, location: RegExp) {
  return async (t: TestContext): Promise<Place> => {
    const server: S3Server = await startS3Server(t);
    const all = { ...server.opts, ...(await opts(t)) };
    const { tempPath } = readS3Options(all);
    return {
      datastore: await openOne(t, { type: 's3', opts: all }),
      list: () => server.keys(),
      read: (key) => server.read(key),
      remains: async () => [...(await server.openUploads()), ...(tempPath === '' ? [] : await readdir(tempPath))],
      location,
    };
  };
}

const WITHOUT_PREFIX = /^[0-9a-f]{40}\d{19}idv2fmt$/;
const places: Readonly<Record<string, (t: TestContext) => Promise<Place>>> = {
  'a folder': openFolder,
  'a bucket': bucketWith(async () => ({}), WITHOUT_PREFIX),
  'a bucket with prefixes': bucketWith(async () => ({ prefixLength: '3' }), /^[0-9a-f]{3}\/[0-9a-f]{37}\d{19}idv2fmt$/),
  'a bucket by way of a folder': bucketWith(async (t) => ({ tempPath: await makeFolder(t) }), WITHOUT_PREFIX),
  'a bucket without parts': bucketWith(
    async (t) => ({ tempPath: await makeFolder(t), multipartUploads: 'false' }),
    WITHOUT_PREFIX,
  ),
  'a bucket with copies on a disk': bucketWith(async (t) => ({ cachePath: await makeFolder(t) }), WITHOUT_PREFIX),
};

async function store(datastore: Datastore, bytes: Uint8Array): Promise<string> {
  await using temporary = await datastore.createTemporary('text/plain', signal);
  for (let done = 0; done < bytes.length; done += 1_000_000) {
    const given = Buffer.from(bytes.subarray(done, done + 1_000_000));
    await temporary.write([given.subarray(0, 10), given.subarray(10)]);
    given.fill(0); // its memory is the writer's again
  }
  return await temporary.keep();
}

async function readAll(datastore: Datastore, location: string, start?: number, end?: number): Promise<Buffer> {
  const object = await datastore.open(location, signal);
  assert.ok(object);
  await using held = object;
  const chunks: Buffer[] = [];
  for await (const chunk of held.read({ start: start ?? 0, end: end ?? held.sizeBytes - 1 }, signal)) {
    chunks.push(Buffer.from(chunk)); // a copy: the chunk's memory is used again
  }
  return Buffer.concat(chunks);
}

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

for (const [name, open] of Object.entries(places)) {
  test(`${name}: what was kept can be read again, and lies where MMR looks for it`, async (t) => {
    const { datastore, list, read, remains, location: form } = await open(t);
    for (const size of [0, 10, 300_000, 5 * 1024 * 1024, 12_000_000]) {
      const bytes = randomBytes(size);
      const location = await store(datastore, bytes);
      assert.match(location, form);
      if (size > 0) assert.ok((await readAll(datastore, location)).equals(bytes));
      assert.ok((await read(location)).equals(bytes));
    }
    assert.equal((await list()).length, 5);
    assert.deepEqual(await remains(), []);
  });

  test(`${name}: any range of an object comes back exactly`, async (t) => {
    const { datastore } = await open(t);
    const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, index) => index % 251));
    const location = await store(datastore, bytes);
    const positions = fc.tuple(fc.nat(bytes.length - 1), fc.nat(bytes.length - 1));
    await fc.assert(
      fc.asyncProperty(positions, async ([one, other]) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        assert.ok((await readAll(datastore, location, start, end)).equals(bytes.subarray(start, end + 1)));
      }),
      { numRuns: 30 },
    );
  });

  test(`${name}: a temporary that was asked for as readable can be read until it is disposed`, async (t) => {
    const { datastore, list, remains } = await open(t);
    const bytes = randomBytes(300_000);
    {
      await using temporary = await datastore.createTemporary('text/plain', signal, true);
      await temporary.write([Buffer.from(bytes.subarray(0, 200_000))]);
      const read = Buffer.alloc(100_000);
      assert.equal(await temporary.read?.(read, 100_000), 100_000);
      assert.deepEqual(read, bytes.subarray(100_000, 200_000));
      assert.equal(await temporary.read?.(read, 200_000), 0);
      await temporary.write([Buffer.from(bytes.subarray(200_000))]);
      await temporary.keep();
      assert.equal(await temporary.read?.(read, 200_000), 100_000);
      assert.deepEqual(read, bytes.subarray(200_000));
    }
    assert.equal((await list()).length, 1);
    assert.deepEqual(await remains(), []);
  });

  test(`${name}: a listing has every object in order, and goes on behind any location`, async (t) => {
    const { datastore } = await open(t);
    const locations: string[] = [];
    for (let size = 0; size < 5; size += 1) locations.push(await store(datastore, Buffer.alloc(size)));
    const listed = (await Array.fromAsync(datastore.list('', signal))).filter((entry) => 'sizeBytes' in entry);
    assert.deepEqual(
      listed.map(({ location, sizeBytes }) => [location, sizeBytes]),
      locations.map((location, size) => [location, size] as const).sort(([one], [other]) => (one < other ? -1 : 1)),
    );
    for (const { modifiedTs } of listed) assert.ok(Math.abs(modifiedTs - Date.now()) < 60_000);
    const rest = await Array.fromAsync(datastore.list(listed[2]?.location ?? '', signal));
    assert.deepEqual(rest, listed.slice(3));
  });

  test(`${name}: a temporary that is not kept leaves nothing behind`, async (t) => {
    const { datastore, list, remains } = await open(t);
    for (const size of [7, 12_000_000]) {
      {
        await using temporary = await datastore.createTemporary('text/plain', signal);
        await temporary.write([randomBytes(size)]);
      }
      {
        await using temporary = await datastore.createTemporary('text/plain', signal);
        temporary.write([randomBytes(size)]).catch(() => undefined); // broken off
      }
    }
    assert.deepEqual([await list(), await remains()], [[], []]);
  });

  test(`${name}: an object that is not there is told apart from trouble`, async (t) => {
    const { datastore } = await open(t);
    assert.equal(await datastore.open('aa/bb/none', signal), undefined);
    await datastore.delete('aa/bb/none', signal);
    await datastore.checkHealth(signal);
  });

  test(`${name}: who knows what to expect is told what is lost or of another size before the first byte`, async (t) => {
    const { datastore } = await open(t);
    const bytes = randomBytes(100_000);
    const location = await store(datastore, bytes);
    const read = async (where: string, sizeBytes: number) => {
      const object = await datastore.openKnown(where, { sizeBytes, sha256: sha256Of(bytes) }, signal);
      if (object === undefined) return 'not as expected';
      await using held = object;
      if (held.sizeBytes !== sizeBytes) return 'not as expected';
      let confirmed = 'confirmed';
      await held.confirm?.(signal).catch(() => (confirmed = 'refused'));
      return await Array.fromAsync(held.read({ start: 0, end: sizeBytes - 1 }, signal)).then(
        (chunks) => `${confirmed}, ${chunks.length > 0 ? 'bytes' : 'nothing'}`,
        () => 'not as expected',
      );
    };
    assert.equal(await read(location, bytes.length), 'confirmed, bytes');
    assert.equal(await read(location, bytes.length - 1), 'not as expected');
    assert.equal(await read(location, bytes.length + 1), 'not as expected');
    assert.equal(await read('aa/bb/none', bytes.length), 'not as expected');
  });

  test(`${name}: a deleted object is gone, also for those who know what to expect`, async (t) => {
    const { datastore, list } = await open(t);
    const bytes = randomBytes(100_000);
    const location = await store(datastore, bytes);
    const known = { sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    const readKnown = async () => {
      await using object = await datastore.openKnown(location, known, signal);
      if (object === undefined) throw new Error('lost');
      return await Array.fromAsync(object.read({ start: 0, end: bytes.length - 1 }, signal), ({ length }) => length);
    };
    for (let time = 0; time < 2; time += 1) assert.ok((await readKnown()).length > 0);
    await datastore.delete(location, signal);
    assert.equal(await datastore.open(location, signal), undefined);
    await assert.rejects(readKnown());
    assert.deepEqual(await list(), []);
  });

  test(`${name}: whoever leaves ends the reading`, async (t) => {
    const { datastore } = await open(t);
    const location = await store(datastore, randomBytes(8_000_000));
    await using object = await datastore.open(location, signal);
    assert.ok(object);
    const leaver = new AbortController();
    const reading = async () => {
      for await (const _chunk of object.read({ start: 0, end: object.sizeBytes - 1 }, leaver.signal)) {
        leaver.abort(new Error('left'));
      }
    };
    await assert.rejects(reading(), /left/);
    await assert.rejects(datastore.createTemporary('text/plain', leaver.signal), /left/);
  });
}
