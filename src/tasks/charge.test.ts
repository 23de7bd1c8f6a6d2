import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { createGate } from '../../test/database/gate.ts';
import { openForTest } from '../../test/database/open.ts';
import { usePostgres } from '../../test/postgres.ts';
import type { Database } from '../database/index.ts';
import { type Charge, createCharge } from './charge.ts';

const postgres = await usePostgres();
const about = { skip: postgres.skip };
const HALF_A_MINUTE_MS = 30_000;

/** Time passes, second by second, when the test says so. Only what works by intervals notices. */
function playTime(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let ms = 1_000_000;
  return {
    elapsedMs: () => ms,
    pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        ms += 1000;
        t.mock.timers.tick(1000);
      }
    },
    /** The process sleeps, so nothing in it notices. */
    sleep(seconds: number) {
      ms += seconds * 1000;
    },
  };
}

function join(t: TestContext, database: Database, holder: string, elapsedMs: () => number): Charge & { leave(): void } {
  let isInCharge = true;
  const log = pino({ level: 'silent' });
  const charge = createCharge({ database, holder, isInCharge: () => isInCharge, elapsedMs, log });
  t.after(() => charge[Symbol.asyncDispose]());
  const leave = () => {
    isInCharge = false;
  };
  return { ...charge, leave };
}

test(
  'of two processes one has the charge, and keeps it for as long as it shows, however long that is',
  about,
  async (t) => {
    const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
    const { elapsedMs, pass } = playTime(t);
    const [one, other] = [join(t, database, 'one', elapsedMs), join(t, database, 'other', elapsedMs)];
    const held = await one.take();
    assert.ok(held);
    for (let i = 0; i < 12; i += 1) {
      assert.equal(await other.take(), undefined);
      pass(5);
      assert.equal(await one.take(), held);
      await renewed(database);
    }
    assert.equal(held.aborted, false);
    await one[Symbol.asyncDispose]();
    assert.equal(held.aborted, true);
    assert.ok(await other.take(), 'it is given back');
  },
);

/** What the interval has begun goes through one connection of the database after the other; the last one ends after the rest. */
async function renewed({ db }: Database): Promise<void> {
  const beats = async () => (await db.selectFrom('vitrine_leases').select('expires_ts').execute())[0]?.expires_ts;
  const last = beatsSeen.get(db) ?? 0;
  let now = await beats();
  while (now === last) now = await beats();
  beatsSeen.set(db, now ?? 0);
}
const beatsSeen = new WeakMap<Database['db'], number>();

test('the charge of a process that has died is taken after half a minute, and not before', about, async (t) => {
  const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  const { elapsedMs, sleep } = playTime(t);
  const dead = join(t, database, 'dead', () => 0);
  assert.ok(await dead.take());
  const other = join(t, database, 'other', elapsedMs);
  assert.equal(await other.take(), undefined);
  sleep(HALF_A_MINUTE_MS / 1000 - 1);
  assert.equal(await other.take(), undefined);
  sleep(1);
  assert.ok(await other.take());
});

test(
  'a process that slept stops its work when it wakes, and learns that another one has the charge',
  about,
  async (t) => {
    const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
    const { elapsedMs, sleep } = playTime(t);
    const [one, other] = [join(t, database, 'one', elapsedMs), join(t, database, 'other', elapsedMs)];
    const held = await one.take();
    assert.equal(await other.take(), undefined);
    sleep(40);
    assert.ok(await other.take());
    t.mock.timers.tick(1000);
    assert.equal(held?.aborted, true);
    assert.equal(await one.take(), undefined);
  },
);

test('a process that cannot reach the database stops its work before another one may begin it', about, async (t) => {
  const gate = await createGate(t, await postgres.createDatabase(t));
  await gate.open();
  const database = await openForTest(t, { postgres: gate.url });
  const { elapsedMs, pass } = playTime(t);
  const held = await join(t, database, 'one', elapsedMs).take();
  gate.fallSilent();
  pass(19);
  assert.equal(held?.aborted, false);
  pass(1);
  assert.equal(held?.aborted, true);
  await gate.shut();
});

test('a process that is not in charge any more stops its work', about, async (t) => {
  const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  const { elapsedMs, pass } = playTime(t);
  const one = join(t, database, 'one', elapsedMs);
  const held = await one.take();
  one.leave();
  pass(1);
  assert.equal(held?.aborted, true);
  assert.equal(await one.take(), undefined);
});

test('whatever the clocks of processes and database are set to, the charge stays where it is', about, async (t) => {
  const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  const { elapsedMs, sleep } = playTime(t);
  const [one, other] = [join(t, database, 'one', elapsedMs), join(t, database, 'other', elapsedMs)];
  const held = await one.take();
  const read = Date.now;
  for (const offsetMs of [3_600_000, -7_200_000]) {
    t.mock.method(Date, 'now', () => read() + offsetMs);
    assert.equal(await other.take(), undefined);
    sleep(1);
    assert.equal(await one.take(), held);
  }
});
