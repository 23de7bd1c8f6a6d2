import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Datastore, openDatastores } from '../src/datastores/index.ts';
import { Unavailable } from '../src/matrix/index.ts';
import { EVERYTHING_BEFORE_TS, storageMigration } from '../src/upkeep/index.ts';
import { usePostgres } from './postgres.ts';
import { enginesOf, OUR_NAME, openStore, type Store } from './store.ts';

const AT_ONCE = 4;
const PARAMS = { source_datastore_id: 'main', target_datastore_id: 'other', before_ts: EVERYTHING_BEFORE_TS };

async function openTarget(t: TestContext, { upkeepParts: { log, now } }: Store): Promise<Datastore> {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-target-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  let ids = 0;
  const newUniqueId = () => `${Math.random().toString(16).slice(2, 6)}${ids++}`.padEnd(59, '0');
  const parts = { machineId: 0, newUniqueId, now, log, measure: async () => new Map<string, number>() };
  const config = { type: 'file', id: 'other', forKinds: [], opts: { path } } as const;
  const opened = await openDatastores([config], parts);
  t.after(() => opened[Symbol.asyncDispose]());
  return opened.find('other') ?? assert.fail();
}

function kindFor({ upkeepParts }: Store, target: Datastore) {
  const { datastores } = upkeepParts;
  return storageMigration({
    ...upkeepParts,
    datastores: { ...datastores, find: (id) => (id === 'other' ? target : datastores.find(id)) },
    limits: () => ({ transferBytesPerSecond: 0, transferObjectsAtOnce: AT_ONCE }),
    elapsedMs: () => performance.now(),
  });
}

/** Moves all from `main` to a target, and tells which media had to be forgotten: `*` for all. */
async function transfer(t: TestContext, store: Store, target: Datastore) {
  const forgotten: string[] = [];
  const upkeepParts = {
    ...store.upkeepParts,
    forgetRecord: ({ mediaId }: { readonly mediaId: string }) => void forgotten.push(mediaId),
    forgetRecords: () => void forgotten.push('*'),
  };
  const kind = kindFor({ ...store, upkeepParts }, target);
  let last = '';
  const report = (progress: object) => {
    last = JSON.stringify(progress);
  };
  await kind.run(PARAMS, report, t.signal);
  return { forgotten, last };
}

for (const engine of enginesOf(await usePostgres())) {
  test(`on ${engine.name}: several objects are on their way at once, no more than are wanted, and only what moved is forgotten`, {
    skip: engine.skip,
  }, async (t) => {
    const store = await openStore(t, engine);
    const ids: string[] = [];
    for (let index = 0; index < 11; index += 1) ids.push(await store.upload(randomBytes(500), 'alice', `${index}`));
    const target = await openTarget(t, store);
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    let open = 0;
    let most = 0;
    const { last, forgotten } = await transfer(t, store, {
      ...target,
      async createTemporary(...asked) {
        open += 1;
        most = Math.max(most, open);
        if (open === AT_ONCE) resolve();
        await enough;
        const temporary = await target.createTemporary(...asked);
        return {
          write: (chunks) => temporary.write(chunks),
          keep: () => temporary.keep(),
          async [Symbol.asyncDispose]() {
            if (open > 0) open -= 1;
            await temporary[Symbol.asyncDispose]();
          },
        };
      },
    });
    assert.equal(most, AT_ONCE);
    assert.deepEqual(JSON.parse(last), { done: 5_500, total: 5_500, unit: 'bytes' });
    assert.deepEqual(forgotten.sort(), ids.sort());
    for (const id of ids) assert.equal((await store.find(OUR_NAME, id))?.datastore_id, 'other');
  });

  test(`on ${engine.name}: the same transfer, asked for twice, copies once`, { skip: engine.skip }, async (t) => {
    const store = await openStore(t, engine);
    for (let index = 0; index < 20; index += 1) await store.upload(randomBytes(500), 'alice', `${index}`);
    const target = await openTarget(t, store);
    let copies = 0;
    const kind = kindFor(store, {
      ...target,
      createTemporary(...asked) {
        copies += 1;
        return target.createTemporary(...asked);
      },
    });
    await Promise.all([0, 1].map(() => kind.run(PARAMS, () => undefined, t.signal)));
    assert.equal(copies, 20);
  });

  test(`on ${engine.name}: when the target goes away, all stop, each record points at an object, and no copy is left`, {
    skip: engine.skip,
  }, async (t) => {
    const store = await openStore(t, engine);
    const contents = new Map<string, Buffer>();
    for (let index = 0; index < 20; index += 1) {
      const bytes = randomBytes(500);
      contents.set(await store.upload(bytes, 'alice', `${index}`), bytes);
    }
    const target = await openTarget(t, store);
    let made = 0;
    const away = {
      ...target,
      async createTemporary(...asked: Parameters<Datastore['createTemporary']>) {
        made += 1;
        if (made > 6) throw new Unavailable('away');
        return await target.createTemporary(...asked);
      },
      async checkHealth() {
        throw new Unavailable('away');
      },
    };
    await assert.rejects(transfer(t, store, away), Unavailable);
    assert.ok(made <= 6 + AT_ONCE, 'the others have gone on');
    let moved = 0;
    for (const [id, bytes] of contents) {
      const row = await store.find(OUR_NAME, id);
      const datastore = row?.datastore_id === 'other' ? target : store.datastores.find('main');
      if (datastore === target) moved += 1;
      await using object = await datastore?.open(row?.location ?? '', t.signal);
      assert.equal(object?.sizeBytes, bytes.length);
    }
    const listed = await Array.fromAsync(target.list('', t.signal));
    assert.deepEqual([moved, listed.length], [6, 6]);
  });
}
