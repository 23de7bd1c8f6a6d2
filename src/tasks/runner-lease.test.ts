import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openForTest } from '../../test/database/open.ts';
import { usePostgres } from '../../test/postgres.ts';
import { createRunnerLease } from './runner-lease.ts';

const postgres = await usePostgres();
const HOUR_MS = 3_600_000;

test('the clock of one process is set back by an hour: no two run the tasks', { skip: postgres.skip }, async (t) => {
  const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  let [ts, backMs] = [Date.now(), 0];
  const one = createRunnerLease(database, 'one', () => ts - backMs);
  const other = createRunnerLease(database, 'other', () => ts);
  assert.deepEqual([await one.hold(), await other.hold()], [true, false]);
  backMs = HOUR_MS;
  ts += 61_000;
  assert.equal(await other.hold(), true);
  assert.equal(await one.hold(), false);
});
