import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createProcessTable, type NewProcess } from '../../src/database/index.ts';
import { usePostgres } from '../postgres.ts';
import { openForTest } from './open.ts';

const postgres = await usePostgres();
const ENGINES = [
  { name: 'sqlite', skip: false, open: async (t: TestContext) => await openForTest(t, { sqlite: ':memory:' }) },
  {
    name: 'postgres',
    skip: postgres.skip,
    open: async (t: TestContext) => await openForTest(t, { postgres: await postgres.createDatabase(t) }),
  },
] as const;

const first: NewProcess = { machine_id: 3, instance: 'a', host: 'here', pid: 7, started: '1', version: '1.2.3' };
const second = { ...first, instance: 'b' };

for (const { name, skip, open } of ENGINES) {
  test(`on ${name}, a machine ID has one process, which shows that it is alive and leaves`, { skip }, async (t) => {
    const table = createProcessTable(await open(t));
    assert.equal(await table.add(first), true);
    assert.equal(await table.add(second), false);
    assert.equal(await table.beat(first), true);
    assert.equal(await table.beat(second), false);
    const [seen, ...others] = await table.list();
    assert.ok(seen);
    const { beat_ts, silentMs, ...row } = seen;
    assert.deepEqual([row, others], [{ ...first, beats: 1 }, []]);
    assert.ok(Math.abs(beat_ts - Date.now()) < 60_000 && silentMs >= 0 && silentMs < 60_000);
    await table.remove(second);
    assert.equal((await table.list()).length, 1);
    await table.remove(first);
    assert.deepEqual(await table.list(), []);
  });

  test(`on ${name}, only a process that shows no life can be replaced`, { skip }, async (t) => {
    const table = createProcessTable(await open(t));
    await table.add(first);
    const [seen] = await table.list();
    assert.ok(seen);
    await table.beat(first);
    assert.equal(await table.replace(second, seen), false);
    const [now] = await table.list();
    assert.ok(now);
    assert.equal(await table.replace(second, now), true);
    assert.deepEqual([await table.beat(first), await table.beat(second)], [false, true]);
  });
}
