import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { ADMIN_SECTIONS, askAsAdmin, untilFinished } from './admin.ts';
import { openServiceDatabase } from './database/open.ts';
import { makePng } from './pictures.ts';
import { runVitrine } from './run-vitrine.ts';
import { startS3Server } from './s3-server.ts';
import {
  type ConfigSections,
  ENGINES,
  type Engine,
  listObjects,
  makeServiceFolder,
  pathOf,
  startServiceIn,
  type TestService,
  uploadBytes,
} from './service.ts';

interface TwoDatastores {
  readonly service: TestService;
  readonly mainFolder: string;
  readonly otherFolder: string;
}

/** A service whose datastore `main` takes everything, beside `other`, which takes nothing by itself. */
async function startWithTwo(t: TestContext, engine: Engine, sections: ConfigSections = {}): Promise<TwoDatastores> {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-two-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const [mainFolder, otherFolder] = [join(path, 'main'), join(path, 'other')];
  const folder = await makeServiceFolder(t, engine, {
    ...ADMIN_SECTIONS,
    datastores: [
      { type: 'file', id: 'main', forKinds: ['all'], opts: { path: mainFolder } },
      { type: 'file', id: 'other', forKinds: [], opts: { path: otherFolder } },
    ],
    ...sections,
  });
  return { service: await startServiceIn(t, folder), mainFolder, otherFolder };
}

async function assertDownloads({ ask }: TestService, uploads: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const [uri, bytes] of uploads) {
    const answer = await ask(pathOf(uri));
    assert.equal(answer.status, 200, uri);
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes), `${uri} has other bytes`);
  }
}

async function upload(
  { ask }: TestService,
  bytes: Buffer,
  name: string,
  uploads: Map<string, Buffer>,
  type = 'application/octet-stream',
): Promise<string> {
  const uri = await uploadBytes(ask, bytes, { name, type });
  uploads.set(uri, bytes);
  return uri;
}

for (const engine of ENGINES) {
  const about = { skip: engine.skip };

  test(
    `on ${engine.name}: all objects move, uploads of the same content go on meanwhile, and everything downloads`,
    about,
    async (t) => {
      const { service, mainFolder, otherFolder } = await startWithTwo(t, engine);
      const uploads = new Map<string, Buffer>();
      const contents = Array.from({ length: 40 }, (_, index) => randomBytes(index === 0 ? 0 : 70_000 + index));
      for (const [index, bytes] of contents.entries()) await upload(service, bytes, `file ${index}`, uploads);
      const picture = await makePng({ width: 700, height: 500 });
      const pictureUri = await upload(service, picture, 'picture', uploads, 'image/png');
      const size = '?width=320&height=240&method=scale';
      assert.equal((await service.ask(pathOf(pictureUri, 'thumbnail') + size)).status, 200);

      const { status, body } = await askAsAdmin(service, '/datastores/main/transfer_to/other', 'POST');
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(
        [body['media_affected'], body['thumbnails_affected'], body['total_hashes_affected']],
        [41, 1, 42],
      );
      let isOver = false;
      const uploadSameContent = async (worker: number) => {
        for (let round = 0; !isOver; round += 1) {
          const bytes = contents[(round * 7 + worker) % contents.length] ?? Buffer.alloc(0);
          await upload(service, bytes, `again ${worker} ${round}`, uploads);
        }
      };
      const workers = Promise.all([0, 1, 2].map(uploadSameContent));
      const task = await untilFinished(service, body['task_id']);
      isOver = true;
      await workers;
      assert.equal(task['error_message'], '');
      assert.deepEqual(task['params'], {
        source_datastore_id: 'main',
        target_datastore_id: 'other',
        before_ts: 253_402_300_799_000,
      });
      await assertDownloads(service, uploads);
      assert.equal((await service.ask(pathOf(pictureUri, 'thumbnail') + size)).status, 200);
      // What was uploaded anew in between lies in the first one again; nothing lies in both.
      const [left, moved] = [await listObjects({ media: mainFolder }), await listObjects({ media: otherFolder })];
      assert.equal(left.length + moved.length, 42);
      assert.ok(moved.length > 0);
      const again = await askAsAdmin(service, '/datastores/main/transfer_to/other', 'POST');
      await untilFinished(service, again.body['task_id']);
      assert.deepEqual(await listObjects({ media: mainFolder }), []);
      await assertDownloads(service, uploads);
    },
  );

  test(`on ${engine.name}: a transfer that a stop interrupts goes on after the next start`, about, async (t) => {
    const { service, mainFolder, otherFolder } = await startWithTwo(t, engine, {
      tasks: { transferBytesPerSecond: 100_000 },
    });
    const uploads = new Map<string, Buffer>();
    for (let index = 0; index < 10; index += 1) await upload(service, randomBytes(50_000), `file ${index}`, uploads);
    const { body } = await askAsAdmin(service, '/datastores/main/transfer_to/other', 'POST');
    while ((await listObjects({ media: otherFolder })).length === 0);
    await service.stop();
    assert.ok((await listObjects({ media: mainFolder })).length > 0, 'the rate was not kept');
    const config = parse(await readFile(service.configPath, 'utf8')) as object;
    await writeFile(service.configPath, stringify({ ...config, tasks: {} }));
    const next = await startServiceIn(t, service);
    const task = await untilFinished(next, body['task_id']);
    assert.equal(task['error_message'], '');
    assert.deepEqual(await listObjects({ media: mainFolder }), []);
    assert.equal((await listObjects({ media: otherFolder })).length, 10);
    await assertDownloads(next, uploads);
  });

  test(
    `on ${engine.name}: an object that is damaged or lost stays, the others move, and the task says so`,
    about,
    async (t) => {
      const { service, mainFolder, otherFolder } = await startWithTwo(t, engine);
      const uploads = new Map<string, Buffer>();
      for (let index = 0; index < 3; index += 1) await upload(service, randomBytes(1_000), `file ${index}`, uploads);
      const [damaged = '', lost = ''] = await listObjects({ media: mainFolder });
      await writeFile(join(mainFolder, damaged), randomBytes(1_000));
      await rm(join(mainFolder, lost));
      const { body } = await askAsAdmin(service, '/datastores/main/transfer_to/other', 'POST');
      const task = await untilFinished(service, body['task_id']);
      assert.match(String(task['error_message']), /^2 objects could not be moved/);
      assert.deepEqual(await listObjects({ media: mainFolder }), [damaged]);
      assert.equal((await listObjects({ media: otherFolder })).length, 1);
    },
  );

  test(
    `on ${engine.name}: records that keep purged content away move, too, so that nothing needs the datastore any more`,
    about,
    async (t) => {
      const { service, mainFolder } = await startWithTwo(t, engine);
      const uploads = new Map<string, Buffer>();
      for (const name of ['blocked', 'good']) await upload(service, randomBytes(1_000), name, uploads);
      await service.stop();
      const database = await openServiceDatabase(t, service);
      const blocked = database.db.selectFrom('media').selectAll().where('upload_name', '=', 'blocked');
      const { location } = await blocked.executeTakeFirstOrThrow();
      await rm(join(mainFolder, location));
      await database.db.updateTable('media').set({ quarantined: true }).where('upload_name', '=', 'blocked').execute();
      await database[Symbol.asyncDispose]();
      const next = await startServiceIn(t, service);
      const { body } = await askAsAdmin(next, '/datastores/main/transfer_to/other', 'POST');
      const task = await untilFinished(next, body['task_id']);
      assert.equal(task['error_message'], '');
      await next.stop();
      await using after = await openServiceDatabase(t, service);
      const rows = await after.db.selectFrom('media').select(['datastore_id', 'quarantined']).execute();
      assert.deepEqual(rows.map(({ datastore_id, quarantined }) => [datastore_id, quarantined]).sort(), [
        ['other', false],
        ['other', true],
      ]);
    },
  );

  test(`on ${engine.name}: what was used since a time is not counted, and stays`, about, async (t) => {
    const { service, mainFolder, otherFolder } = await startWithTwo(t, engine);
    const uploads = new Map<string, Buffer>();
    await upload(service, randomBytes(100), 'old', uploads);
    await upload(service, randomBytes(200), 'new', uploads);
    await upload(service, randomBytes(400), 'forgotten', uploads);
    await service.stop();
    const database = await openServiceDatabase(t, service);
    const rows = await database.db.selectFrom('media').select(['sha256_hash', 'size_bytes']).execute();
    const hashOf = (size: number) => rows.find(({ size_bytes }) => size_bytes === size)?.sha256_hash ?? '';
    await database.db
      .updateTable('last_access')
      .set({ last_access_ts: 5 })
      .where('sha256_hash', '=', hashOf(100))
      .execute();
    await database.db.deleteFrom('last_access').where('sha256_hash', '=', hashOf(400)).execute();
    await database[Symbol.asyncDispose]();
    const next = await startServiceIn(t, service);
    const { body } = await askAsAdmin(next, '/datastores/main/size_estimate?before_ts=1000');
    assert.deepEqual(body, {
      thumbnails_affected: 0,
      thumbnail_hashes_affected: 0,
      thumbnail_bytes: 0,
      media_affected: 2,
      media_hashes_affected: 2,
      media_bytes: 500,
      total_hashes_affected: 2,
      total_bytes: 500,
    });
    const started = await askAsAdmin(next, '/datastores/main/transfer_to/other?before_ts=1000', 'POST');
    assert.equal((await untilFinished(next, started.body['task_id']))['error_message'], '');
    assert.equal((await listObjects({ media: mainFolder })).length, 1);
    assert.equal((await listObjects({ media: otherFolder })).length, 2);
    await assertDownloads(next, uploads);
  });
}

test('the admin endpoints of datastores and tasks say what cannot be done, and to whom nothing is told', async (t) => {
  const { service, mainFolder } = await startWithTwo(t, ENGINES[0]);
  const listed = await askAsAdmin(service, '/datastores');
  assert.deepEqual(listed.body['main'], { type: 'file', uri: mainFolder });
  assert.deepEqual(Object.keys(listed.body), ['main', 'other']);
  const refused = async (path: string, method: 'GET' | 'POST' = 'GET') => {
    const { status, body } = await askAsAdmin(service, path, method);
    return [status, body['errcode'], body['error']];
  };
  assert.deepEqual(await refused('/datastores/main/transfer_to/main', 'POST'), [
    400,
    'M_UNKNOWN',
    'Source and target datastore cannot be the same',
  ]);
  assert.equal(
    (await refused('/datastores/none/transfer_to/main', 'POST'))[2],
    'Source datastore does not appear to exist',
  );
  assert.equal(
    (await refused('/datastores/main/transfer_to/none', 'POST'))[2],
    'Target datastore does not appear to exist',
  );
  assert.equal((await refused('/datastores/main/size_estimate?before_ts=soon'))[0], 400);
  assert.deepEqual((await askAsAdmin(service, '/datastores/none/size_estimate')).body['total_bytes'], 0);
  assert.deepEqual(await refused('/tasks/one'), [400, 'M_UNKNOWN', 'invalid task ID']);
  assert.equal((await refused('/tasks/5000000000'))[0], 404);
  assert.equal((await refused('/tasks/7/cancel', 'POST'))[0], 404);
  for (const path of ['/tasks/all', '/tasks/unfinished', '/tasks/1', '/datastores', '/datastores/main/size_estimate']) {
    assert.equal((await service.ask(`/_matrix/media/unstable/admin${path}`)).status, 403, path);
  }
});

const TRANSFER = ['datastore', 'transfer', 'main', 'other'];

test('the command moves objects by itself when Vitrine is stopped, and says what it cannot do', async (t) => {
  const { service, mainFolder, otherFolder } = await startWithTwo(t, ENGINES[0]);
  const uploads = new Map<string, Buffer>();
  for (let index = 0; index < 3; index += 1) await upload(service, randomBytes(1_000), `file ${index}`, uploads);
  const busy = await runVitrine(service.path, TRANSFER);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /in use by another Vitrine/);
  await service.stop();
  const moved = await runVitrine(service.path, TRANSFER);
  assert.deepEqual([moved.code, moved.stdout, moved.stderr], [0, 'Moved 3.0 kB from main to other\n', '']);
  assert.deepEqual(await listObjects({ media: mainFolder }), []);
  assert.equal((await listObjects({ media: otherFolder })).length, 3);
  await assertDownloads(await startServiceIn(t, service), uploads);
  assert.match((await runVitrine(service.path, ['datastore', 'transfer', 'main', 'main'])).stderr, /are the same/);
});

test('the command moves all that it is asked to, also when an interrupted transfer was to move less', async (t) => {
  const { service, otherFolder } = await startWithTwo(t, ENGINES[0]);
  await upload(service, randomBytes(1_000), 'file', new Map());
  await service.stop();
  {
    await using database = await openServiceDatabase(t, service);
    const params = { source_datastore_id: 'main', target_datastore_id: 'other', before_ts: 1 };
    const task = { task: 'storage_migration', start_ts: Date.now(), end_ts: 0, error: '' };
    await database.db
      .insertInto('background_tasks')
      .values({ ...task, params: JSON.stringify(params) })
      .execute();
  }
  assert.equal((await runVitrine(service.path, TRANSFER)).stdout, 'Moved 1.0 kB from main to other\n');
  assert.equal((await listObjects({ media: otherFolder })).length, 1);
});

test('the command lets a running Vitrine do the work where the database is shared', {
  skip: ENGINES[1].skip,
}, async (t) => {
  const { service, otherFolder } = await startWithTwo(t, ENGINES[1]);
  const uploads = new Map<string, Buffer>();
  for (let index = 0; index < 3; index += 1) await upload(service, randomBytes(1_000), `file ${index}`, uploads);
  const moved = await runVitrine(service.path, TRANSFER);
  assert.deepEqual([moved.code, moved.stderr], [0, '']);
  assert.equal((await listObjects({ media: otherFolder })).length, 3);
  await assertDownloads(service, uploads);
  const unknown = await runVitrine(service.path, ['datastore', 'transfer', 'main', 'none']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /no datastore "none".*main, other/);
});

test('media that moves out of a bucket is found at once by another process, which remembers where it was', {
  skip: ENGINES[1].skip,
}, async (t) => {
  const bucket = await startS3Server(t);
  const path = await mkdtemp(join(tmpdir(), 'vitrine-other-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const { service } = await startWithTwo(t, ENGINES[1], {
    datastores: [
      { type: 's3', id: 'main', forKinds: ['all'], opts: bucket.opts },
      { type: 'file', id: 'other', forKinds: [], opts: { path } },
    ],
  });
  const uploads = new Map<string, Buffer>();
  for (let index = 0; index < 6; index += 1) await upload(service, randomBytes(300_000), `file ${index}`, uploads);
  const small = await makePng({ width: 700, height: 500 });
  const picture = Buffer.concat([small, randomBytes(100_000)]); // too large for what is kept in memory
  const pictureUri = await upload(service, picture, 'picture', uploads, 'image/png');
  const remembering = await startServiceIn(t, service, undefined, {}, 1);
  await assertDownloads(remembering, uploads);
  const { body } = await askAsAdmin(service, '/datastores/main/transfer_to/other', 'POST');
  assert.equal((await untilFinished(service, body['task_id']))['error_message'], '');
  assert.deepEqual(await bucket.keys(), []);
  const size = '?width=320&height=240&method=scale';
  assert.equal((await remembering.ask(pathOf(pictureUri, 'thumbnail') + size)).status, 200);
  await assertDownloads(remembering, uploads);
});

test('of two datastores at one place no object is deleted that the other needs, and a transfer only renames', async (t) => {
  const place = await mkdtemp(join(tmpdir(), 'vitrine-place-'));
  t.after(() => rm(place, { recursive: true, force: true }));
  const at = (id: string, forKinds: readonly string[], path: string) => ({
    type: 'file',
    id,
    forKinds,
    opts: { path },
  });
  await mkdir(join(place, 'folder'));
  await symlink(join(place, 'folder'), join(place, 'link'));
  const { service } = await startWithTwo(t, ENGINES[0], {
    datastores: [at('main', ['all'], join(place, 'folder')), at('other', [], join(place, 'link'))],
  });
  const uploads = new Map<string, Buffer>();
  for (const name of ['one', 'two', 'twin']) {
    await upload(service, Buffer.from(name.slice(0, 2).padEnd(1000)), name, uploads);
  }
  const objects = (await listObjects({ media: join(place, 'folder') })).sort();
  assert.equal(objects.length, 2);
  await service.stop();
  {
    await using database = await openServiceDatabase(t, service);
    await database.db.updateTable('media').set({ datastore_id: 'other' }).where('upload_name', '=', 'twin').execute();
  }
  const moved = await runVitrine(service.path, TRANSFER);
  assert.deepEqual([moved.code, moved.stderr], [0, '']);
  assert.deepEqual((await listObjects({ media: join(place, 'folder') })).sort(), objects);
  await assertDownloads(await startServiceIn(t, service), uploads);
});
