import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { MediaRow } from '../src/database/index.ts';
import { BEGINNING, type CheckState, checkStorage, type ToldFinding } from '../src/upkeep/index.ts';
import { openServiceDatabase } from './database/open.ts';
import { makePng } from './pictures.ts';
import { usePostgres } from './postgres.ts';
import { runCheck } from './run-check.ts';
import { runVitrine } from './run-vitrine.ts';
import {
  ENGINES,
  type Engine,
  listObjects,
  makeServiceFolder,
  pathOf,
  startServiceIn,
  uploadBytes,
} from './service.ts';
import { enginesOf, OUR_NAME, openStore } from './store.ts';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const SUFFIX = `${'0'.repeat(55)}idv2fmt`;

async function plant(folder: string, location: string, bytes: Buffer, modified?: Date): Promise<string> {
  await mkdir(dirname(join(folder, location)), { recursive: true });
  await writeFile(join(folder, location), bytes);
  if (modified !== undefined) await utimes(join(folder, location), modified, modified);
  return location;
}

/** A repository in which everything that can be wrong is wrong once. */
async function makeTrouble(t: TestContext, engine: Engine) {
  const folder = await makeServiceFolder(t, engine);
  const service = await startServiceIn(t, folder);
  const picture = await makePng({ width: 700, height: 500 });
  const good = await uploadBytes(service.ask, picture, { type: 'image/png', name: 'good' });
  assert.equal((await service.ask(`${pathOf(good, 'thumbnail')}?width=320&height=240&method=scale`)).status, 200);
  const uris = new Map<string, string>();
  for (const name of ['lost', 'lostRemote', 'blocked', 'cut', 'replaced', 'pinned']) {
    uris.set(name, await uploadBytes(service.ask, randomBytes(1_000), { name }));
  }
  await service.stop();
  const { db, ...database } = await openServiceDatabase(t, folder);
  const idOf = (name: string) => uris.get(name)?.split('/').at(-1) ?? '';
  const rows = new Map<string, MediaRow>();
  for (const name of uris.keys()) {
    rows.set(
      name,
      await db.selectFrom('media').selectAll().where('media_id', '=', idOf(name)).executeTakeFirstOrThrow(),
    );
  }
  const pathTo = (name: string) => join(folder.media, rows.get(name)?.location ?? '');
  for (const name of ['lostRemote', 'pinned']) {
    const remote = { origin: 'remote.example', user_id: '' };
    await db.updateTable('media').set(remote).where('media_id', '=', idOf(name)).execute();
  }
  const pinned = { origin: 'remote.example', media_id: idOf('pinned'), purpose: 'pinned' };
  await db.insertInto('media_attributes').values(pinned).execute();
  await db.updateTable('media').set({ quarantined: true }).where('media_id', '=', idOf('blocked')).execute();
  const thumbnail = await db.selectFrom('thumbnails').selectAll().executeTakeFirstOrThrow();
  for (const name of ['lost', 'lostRemote', 'blocked', 'pinned']) await rm(pathTo(name));
  await rm(join(folder.media, thumbnail.location));
  await truncate(pathTo('cut'), 900);
  await writeFile(pathTo('replaced'), randomBytes(1_000));
  const orphan = await plant(folder.media, `aa/bb/${SUFFIX}`, Buffer.from('orphan'), LONG_AGO);
  const young = await plant(folder.media, `aa/cc/${SUFFIX}`, Buffer.from('young'));
  const foreign = await plant(folder.media, 'lost+found/README', Buffer.from('foreign'), LONG_AGO);
  await database[Symbol.asyncDispose]();
  return { folder, rows, thumbnail, orphan, young, foreign, good };
}

function tell(findings: readonly ToldFinding[]): string[] {
  return findings.map(({ kind, location }) => `${kind} ${location}`).sort();
}

for (const engine of ENGINES) {
  const about = { skip: engine.skip };

  test(
    `on ${engine.name}: a check finds all that is wrong and changes nothing; a repair mends what is safe`,
    about,
    async (t) => {
      const { folder, rows, thumbnail, orphan, young, foreign, good } = await makeTrouble(t, engine);
      const at = (name: string) => rows.get(name)?.location ?? '';
      const before = await listObjects(folder);
      const found = await runCheck(folder.path);
      const unsafe = [
        `rows without object ${at('lost')}`,
        `rows without object ${at('pinned')}`,
        `unknown file ${foreign}`,
        `wrong size ${at('cut')}`,
      ].sort();
      const safe = [
        `object without rows ${orphan}`,
        `rows without object ${at('lostRemote')}`,
        `rows without object ${thumbnail.location}`,
      ];
      assert.deepEqual(tell(found.findings), [...unsafe, ...safe].sort());
      assert.deepEqual([found.code, found.summary['young'], found.summary['blocked']], [1, 1, 1]);
      assert.deepEqual(await listObjects(folder), before);

      const deep = await runCheck(folder.path, '--hashes');
      const wrongHash = `wrong hash ${at('replaced')}`;
      assert.deepEqual(tell(deep.findings), [...unsafe, ...safe, wrongHash].sort());

      const repaired = await runCheck(folder.path, '--hashes', '--repair');
      assert.deepEqual(tell(repaired.findings.filter(({ repair }) => repair !== undefined)), safe.sort());
      assert.equal(repaired.summary['repaired'], 3);
      const left = await runCheck(folder.path, '--hashes', '--repair');
      assert.deepEqual(tell(left.findings), [...unsafe, wrongHash].sort());
      const objects = await listObjects(folder);
      assert.ok(objects.includes(young) && !objects.includes(orphan));
      assert.ok((await readdir(join(folder.media, 'lost+found'))).includes('README'));

      const service = await startServiceIn(t, folder);
      assert.equal((await service.ask(`${pathOf(good, 'thumbnail')}?width=320&height=240&method=scale`)).status, 200);
      const blocked = rows.get('blocked');
      assert.equal((await service.ask(pathOf(`mxc://${blocked?.origin}/${blocked?.media_id}`))).status, 404);
    },
  );

  test(`on ${engine.name}: the objects of another database are no remains`, about, async (t) => {
    const folder = await makeServiceFolder(t, engine);
    await (await startServiceIn(t, folder)).stop();
    for (const name of ['aa/bb/', 'aa/cc/']) await plant(folder.media, name + SUFFIX, Buffer.from('theirs'), LONG_AGO);
    const { code, stderr } = await runVitrine(folder.path, ['check', '--repair']);
    assert.equal(code, 1);
    assert.match(stderr, /main: of 2 objects the database knows 0\. Is it the database of these objects\?/);
    assert.equal((await listObjects(folder)).length, 2);
  });

  test(
    `on ${engine.name}: what one of two datastores at the same place has is no remains to the other`,
    about,
    async (t) => {
      const folder = await makeServiceFolder(t, engine);
      const service = await startServiceIn(t, folder);
      for (const name of ['one', 'two']) await uploadBytes(service.ask, Buffer.from(name), { name });
      await service.stop();
      const text = await readFile(folder.configPath, 'utf8');
      const config = parse(text) as { datastores: { id: string }[] };
      const [main] = config.datastores;
      await writeFile(folder.configPath, stringify({ ...config, datastores: [main, { ...main, id: 'also' }] }));
      for (const location of await listObjects(folder)) await utimes(join(folder.media, location), LONG_AGO, LONG_AGO);
      const { code } = await runVitrine(folder.path, ['check', '--repair']);
      assert.equal(code, 0);
      assert.equal((await listObjects(folder)).length, 2);
    },
  );

  test(
    `on ${engine.name}: nothing is found where all is well, and a disk that is not mounted is no reason to forget`,
    about,
    async (t) => {
      const folder = await makeServiceFolder(t, engine);
      const service = await startServiceIn(t, folder);
      const uri = await uploadBytes(service.ask, await makePng({ width: 700, height: 500 }), { type: 'image/png' });
      assert.equal((await service.ask(`${pathOf(uri, 'thumbnail')}?width=320&height=240&method=scale`)).status, 200);
      await service.stop();
      const well = await runVitrine(folder.path, ['check']);
      assert.equal(well.code, 0);
      assert.match(well.stdout, /^2 objects with .*, 2 records\nNo problems\n$/);
      await rename(folder.media, `${folder.media}-unmounted`);
      const lost = await runVitrine(folder.path, ['check', '--repair']);
      assert.equal(lost.code, 1);
      assert.match(lost.stderr, /main: of 1 objects of the database 0 are there\. Is its disk mounted\? Nothing of it/);
      assert.match(lost.stdout, /2 problems, 0 repaired/);
    },
  );
}

for (const engine of enginesOf(await usePostgres())) {
  test(`on ${engine.name}: an interrupted check goes on where it was, and finds each thing once`, {
    skip: engine.skip,
  }, async (t) => {
    const store = await openStore(t, engine);
    for (let index = 0; index < 210; index += 1) await store.upload(randomBytes(8), 'alice', `${index}`);
    const objects = await listObjects({ media: store.folder });
    for (const location of objects.slice(0, 30)) await rm(join(store.folder, location));
    const orphans: string[] = [];
    for (let index = 0; index < 700; index += 1) {
      const name = `${index}`.padStart(4, '0');
      const location = `${name.slice(0, 2)}/${name.slice(2)}/${SUFFIX}`;
      orphans.push(await plant(store.folder, location, Buffer.alloc(1), LONG_AGO));
    }
    const options = { datastoreIds: ['main'], hashes: false, repair: false, minAgeMs: 1000, sharedWith: new Map() };
    const parts = { ...store.upkeepParts, ourOrigins: () => [OUR_NAME] };
    const found: string[] = [];
    let state: CheckState = BEGINNING;
    let interruptions = 0;
    for (;;) {
      const controller = new AbortController();
      const watcher = {
        found: ({ location }: ToldFinding) => void found.push(location),
        async passed(now: CheckState) {
          state = now;
          controller.abort(new Error('interrupted'));
          controller.signal.throwIfAborted();
        },
        distrusts: () => assert.fail(),
      };
      try {
        const totals = await checkStorage(parts, options, state, watcher, controller.signal);
        assert.deepEqual([totals.objects, totals.rows, totals.findings], [880, 210, 730]);
        break;
      } catch (error) {
        if (!controller.signal.aborted) throw error;
        interruptions += 1;
      }
    }
    assert.equal(interruptions, 4);
    assert.deepEqual(found.sort(), [...orphans, ...objects.slice(0, 30)].sort());
  });

  test(`on ${engine.name}: records of a damaged object are pointed at another one of the same content`, {
    skip: engine.skip,
  }, async (t) => {
    const store = await openStore(t, engine);
    const bytes = randomBytes(100);
    const first = await store.upload(bytes, 'alice');
    const row = await store.find(OUR_NAME, first);
    assert.ok(row);
    const copy = await plant(store.folder, `dd/ee/${SUFFIX}`, bytes);
    const other = { ...row, media_id: 'other', location: copy };
    await store.database.db.insertInto('media').values(other).execute();
    await writeFile(join(store.folder, row.location), randomBytes(100));
    const told: ToldFinding[] = [];
    const totals = await checkStorage(
      { ...store.upkeepParts, ourOrigins: () => [OUR_NAME] },
      { datastoreIds: ['main'], hashes: true, repair: true, minAgeMs: 1000, sharedWith: new Map() },
      BEGINNING,
      { found: (finding) => void told.push(finding), passed: async () => undefined, distrusts: () => assert.fail() },
      t.signal,
    );
    assert.deepEqual([totals.findings, totals.repaired], [1, 1]);
    assert.equal(told[0]?.repair, `repointed to ${copy} of main`);
    assert.ok((await store.read(OUR_NAME, first))?.equals(bytes));
    assert.deepEqual(await listObjects({ media: store.folder }), [copy]);
  });
}

for (const engine of enginesOf(await usePostgres())) {
  test(`on ${engine.name}: of an object that very much media has, a check holds no more than it tells, and repairs all`, {
    skip: engine.skip,
  }, async (t) => {
    const store = await openStore(t, engine);
    const { db } = store.database;
    const mediaId = await store.fetchAt(randomBytes(100), 'remote.example', 1);
    const row = await store.find('remote.example', mediaId);
    assert.ok(row);
    const COPIES = 700;
    for (let start = 0; start < COPIES; start += 100) {
      const some = Array.from({ length: 100 }, (_, index) => ({ ...row, media_id: `copy${start + index}` }));
      await db.insertInto('media').values(some).execute();
    }
    await rm(join(store.folder, row.location));
    let mostRows = 0;
    const counted = db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        mostRows = Math.max(mostRows, result.rows.length);
        return result;
      },
    });
    const run = async (repair: boolean) => {
      const told: ToldFinding[] = [];
      const totals = await checkStorage(
        {
          ...store.upkeepParts,
          database: { ...store.database, db: counted },
          ourOrigins: () => [OUR_NAME],
        },
        { datastoreIds: ['main'], hashes: false, repair, minAgeMs: 1000, sharedWith: new Map() },
        BEGINNING,
        { found: (finding) => void told.push(finding), passed: async () => undefined, distrusts: () => undefined },
        t.signal,
      );
      return { totals, told };
    };
    const { told } = await run(false);
    const [lost] = told;
    assert.ok(lost?.kind === 'rows without object');
    assert.deepEqual([told.length, lost.media.length, lost.mediaCount], [1, 20, COPIES + 1]);
    assert.ok(mostRows <= 20, `${mostRows} rows were held`);
    await store.upload(randomBytes(10)); // something is there, so the datastore is the right one
    assert.equal((await run(true)).told[0]?.repair, `forgot ${COPIES + 1} remote media, fetched again when asked for`);
    assert.ok(mostRows <= 500, `${mostRows} rows were held`);
    assert.equal(await store.find('remote.example', 'copy7'), undefined);
  });
}

test('what goes while it is being looked at, as in a transfer, is no remainder', async (t) => {
  const [sqlite] = enginesOf(await usePostgres());
  const store = await openStore(t, sqlite);
  await store.upload(randomBytes(10));
  const { datastores } = store.upkeepParts;
  const main = datastores.find('main') ?? assert.fail();
  const moved = { location: `aa/bb/${SUFFIX}`, sizeBytes: 1, modifiedTs: 0 };
  const listing = {
    ...main,
    async *list(after: string, signal: AbortSignal) {
      yield* main.list(after, signal);
      yield moved;
    },
  };
  const parts = { ...store.upkeepParts, datastores: { ...datastores, find: () => listing }, ourOrigins: () => [] };
  const told: ToldFinding[] = [];
  const watcher = { found: (finding: ToldFinding) => void told.push(finding), passed: async () => {}, distrusts() {} };
  const options = { datastoreIds: ['main'], hashes: false, repair: false, minAgeMs: 1000, sharedWith: new Map() };
  const totals = await checkStorage(parts, options, BEGINNING, watcher, t.signal);
  assert.deepEqual([told, totals.young], [[], 0]);
  await plant(store.folder, moved.location, Buffer.from('x'), LONG_AGO);
  await checkStorage(parts, options, BEGINNING, watcher, t.signal);
  assert.deepEqual(
    [...new Set(told.map(({ kind, location }) => `${kind} ${location}`))],
    [`object without rows ${moved.location}`],
  );
});

test('the file of --resume is gone after a check that came to its end, and one of something else is left alone', async (t) => {
  const folder = await makeServiceFolder(t, ENGINES[0]);
  const args = ['check', '--resume', 'state.json'];
  assert.equal((await runVitrine(folder.path, args)).code, 0);
  assert.ok(!(await readdir(folder.path)).includes('state.json'));
  await writeFile(join(folder.path, 'state.json'), '{"mine":true}');
  const refused = await runVitrine(folder.path, args);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /state\.json is not the state of a check/);
  const ofOther = { format: 'vitrine check 1', options: { hashes: true }, state: BEGINNING };
  await writeFile(join(folder.path, 'state.json'), JSON.stringify(ofOther));
  assert.match((await runVitrine(folder.path, args)).stderr, /of a check with other options/);
});

test('a file of --resume that cannot be written or read is told before anything is looked at', async (t) => {
  const folder = await makeServiceFolder(t, ENGINES[0]);
  const unwritable = await runVitrine(folder.path, ['check', '--resume', 'missing/state.json']);
  assert.deepEqual([unwritable.code, unwritable.stdout], [1, '']);
  assert.match(unwritable.stderr, /^The file of --resume, .*missing\/state\.json, cannot be written: ENOENT.*\n$/);
  const unreadable = await runVitrine(folder.path, ['check', '--resume', '.']);
  assert.match(unreadable.stderr, /^The file of --resume, .*, cannot be read: EISDIR.*\n$/);
});
