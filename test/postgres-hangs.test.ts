import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockTable } from './lock-table.ts';
import { usePostgres } from './postgres.ts';
import { checkAndRepair } from './run-check.ts';
import { ENGINES, listObjects, pathOf, startTestService, uploadBytes } from './service.ts';

const [engine] = ENGINES;
const postgres = await usePostgres();
const about = { skip: postgres.skip };
/** What a limit of a second may take on a busy machine. */
const SOON_MS = 15_000;

async function startImpatient(t: Parameters<typeof startTestService>[0]) {
  const url = await postgres.createDatabase(t);
  const database = { postgres: url, timeouts: { querySeconds: 1 } };
  return { databaseUrl: url, ...(await startTestService(t, engine, { database })) };
}

async function assertRefusedSoon(asking: Promise<Response>): Promise<void> {
  const startedMs = performance.now();
  const { status, headers } = await asking;
  assert.deepEqual([status, headers.get('retry-after')], [503, '5']);
  assert.ok(performance.now() - startedMs < SOON_MS);
}

test(
  'while somebody has locked the table of media, all who need it get 503 in time, and afterwards what they asked for',
  about,
  async (t) => {
    const { ask, databaseUrl } = await startImpatient(t);
    const uri = await uploadBytes(ask, Buffer.from('before'));
    const unlock = await lockTable(t, databaseUrl, 'media');
    const asking = () => ask('/_matrix/client/v1/media/download/example.org/unknown');
    await assertRefusedSoon(asking());
    await Promise.all(Array.from({ length: 40 }, () => assertRefusedSoon(asking()))); // more than there are connections
    await unlock();
    assert.equal((await asking()).status, 404);
    assert.equal(await (await ask(pathOf(uri))).text(), 'before');
  },
);

test(
  'an upload whose record is not written in time is refused, and a repair removes the object that it has left',
  about,
  async (t) => {
    const { ask, databaseUrl, ...folder } = await startImpatient(t);
    const unlock = await lockTable(t, databaseUrl, 'media', 'SHARE');
    await assertRefusedSoon(ask('/_matrix/media/v3/upload', { method: 'POST', body: 'again' }));
    const [left] = await listObjects(folder);
    assert.ok(left !== undefined);
    await unlock();
    const uri = await uploadBytes(ask, Buffer.from('again'));
    assert.equal(await checkAndRepair(folder), 1);
    const objects = await listObjects(folder);
    assert.deepEqual([objects.length, objects.includes(left)], [1, false]);
    assert.equal(await (await ask(pathOf(uri))).text(), 'again');
  },
);
