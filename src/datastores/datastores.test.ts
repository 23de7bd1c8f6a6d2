import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { DatastoreConfig } from '../config/index.ts';
import { openDatastores } from './datastores.ts';
import { findSamePlaces } from './same-places.ts';

const run = promisify(execFile);

test('whoever has no bucket does not pay for loading what speaks to one', async () => {
  const code = `
    const { createRequire } = await import('node:module');
    await import('./src/main.ts');
    console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => /aws-sdk|smithy/.test(path)).length)`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code]);
  assert.equal(stdout.trim(), '0');
});

type Kinds = DatastoreConfig['forKinds'];

async function start(t: TestContext, kinds: Readonly<Record<string, Kinds>>, levels: Record<string, number> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'vitrine-datastores-'));
  const offered = Object.entries(kinds).map(
    ([id, forKinds]): DatastoreConfig => ({ id, type: 'file', forKinds, opts: { path: join(root, id) } }),
  );
  let nowMs = 0;
  const measured: number[] = [];
  const datastores = await openDatastores(offered, {
    machineId: 0,
    newUniqueId: () => 'x',
    now: () => nowMs,
    log: pino({ enabled: false }),
    async measure() {
      measured.push(nowMs);
      if (levels['broken'] !== undefined) throw new Error('the database is away');
      return new Map(Object.entries(levels));
    },
  });
  t.after(async () => {
    await datastores[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { datastores, offered, measured, pass };
}

/** What was begun before is over then. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('each kind goes where it is taken, and nothing is ever written to a datastore without kinds', async (t) => {
  const { datastores, offered, measured } = await start(t, {
    cold: [],
    pictures: ['thumbnails'],
    media: ['local_media', 'remote_media'],
  });
  assert.equal(datastores.choose('thumbnails', offered).id, 'pictures');
  assert.equal(datastores.choose('local_media', offered).id, 'media');
  assert.equal(datastores.choose('remote_media', offered).id, 'media');
  assert.throws(
    () => datastores.choose('archives', offered),
    ({ cause }) => /takes archives/.test(String(cause)),
  );
  assert.ok(datastores.find('cold'));
  assert.equal(datastores.find('unknown'), undefined);
  assert.deepEqual(measured, []); // there was no choice
});

test('of several that take a kind, the one that holds least gets it', async (t) => {
  const { datastores, offered } = await start(
    t,
    { full: ['all'], small: ['local_media'], middle: ['all'], other: ['thumbnails'] },
    { full: 3000, small: 10, middle: 2000 },
  );
  assert.equal(datastores.choose('local_media', offered).id, 'full'); // nothing is known yet, and nobody waits for it
  await turn();
  assert.equal(datastores.choose('local_media', offered).id, 'small');
  assert.equal(datastores.choose('remote_media', offered).id, 'middle');
  assert.equal(datastores.choose('thumbnails', offered).id, 'other');
});

test('a domain chooses among its own datastores only', async (t) => {
  const { datastores, offered } = await start(t, { main: ['all'], own: ['all'] }, { own: 1000 });
  await turn();
  const ownOnly = offered.filter(({ id }) => id === 'own');
  assert.equal(datastores.choose('local_media', ownOnly).id, 'own');
});

test('what they hold is measured once a minute at most, and only while somebody has to choose', async (t) => {
  const levels: Record<string, number> = { one: 5 };
  const { datastores, offered, measured, pass } = await start(t, { one: ['all'], two: ['all'] }, levels);
  datastores.choose('local_media', offered);
  await turn();
  for (let time = 0; time < 3; time += 1) assert.equal(datastores.choose('local_media', offered).id, 'two');
  assert.deepEqual(measured, [0]);
  pass(60_000);
  assert.deepEqual(measured, [0]);
  levels['two'] = 9;
  datastores.choose('local_media', offered);
  await turn();
  assert.equal(datastores.choose('local_media', offered).id, 'one');
  assert.deepEqual(measured, [0, 60_000]);
  pass(60_000);
  levels['broken'] = 1;
  datastores.choose('local_media', offered);
  await turn();
  assert.equal(datastores.choose('local_media', offered).id, 'one');
});

test('datastores at one place are known, whatever way leads there', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'vitrine-places-'));
  t.after(() => rm(root, { recursive: true }));
  await symlink(root, join(root, 'link'));
  const folder = (id: string, path: string): DatastoreConfig => ({ id, type: 'file', forKinds: [], opts: { path } });
  const bucket = (id: string, endpoint: string, bucketName: string): DatastoreConfig => {
    return { id, type: 's3', forKinds: [], opts: { endpoint, bucketName } };
  };
  const places = await findSamePlaces([
    folder('folder', root),
    folder('link', join(root, 'link')),
    folder('inner', join(root, 'inner')),
    bucket('bucket', 'S3.example.org', 'media'),
    bucket('same bucket', 's3.example.org', 'media'),
    bucket('other bucket', 's3.example.org', 'other'),
  ]);
  assert.deepEqual(Object.fromEntries(places), {
    folder: ['link'],
    link: ['folder'],
    inner: [],
    bucket: ['same bucket'],
    'same bucket': ['bucket'],
    'other bucket': [],
  });
});
