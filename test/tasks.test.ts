import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { createOwnCluster } from '../src/cluster/index.ts';
import { type Database, insertTask } from '../src/database/index.ts';
import { Unavailable } from '../src/matrix/index.ts';
import {
  type Charge,
  createCharge,
  createTasks,
  type RecurringJob,
  startRecurring,
  type Task,
  type TaskKind,
} from '../src/tasks/index.ts';
import { openForTest } from './database/open.ts';
import { usePostgres } from './postgres.ts';

const postgres = await usePostgres();
const HOUR_MS = 3_600_000;

const ENGINES = [
  { name: 'sqlite', skip: false, open: (t: TestContext) => openForTest(t, { sqlite: ':memory:' }) },
  {
    name: 'postgres',
    skip: postgres.skip,
    open: async (t: TestContext) => openForTest(t, { postgres: await postgres.createDatabase(t) }),
  },
] as const;

const log = pino({ level: 'silent' });

/** Clocks that the test moves: the time of day, and one that nobody can set. */
function makeClock() {
  let ts = 1_700_000_000_000;
  let elapsed = 0;
  return {
    now: () => ts,
    elapsedMs: () => elapsed,
    pass: (ms: number) => {
      ts += ms;
      elapsed += ms;
    },
    set: (byMs: number) => {
      ts += byMs;
    },
  };
}

type TestClock = ReturnType<typeof makeClock>;

/** As a process that is in charge. */
function start(t: TestContext, database: Database, kinds: readonly TaskKind[], { now, elapsedMs }: TestClock) {
  const charge = createCharge({ database, holder: randomUUID(), isInCharge: () => true, elapsedMs, log });
  const { bus } = createOwnCluster({ now });
  const tasks = createTasks({ database, bus, kinds, charge, maxRunning: () => 1, now, elapsedMs, log });
  const stop = async () => {
    await tasks[Symbol.asyncDispose]();
    await charge[Symbol.asyncDispose]();
  };
  t.after(stop);
  return { ...tasks, stop };
}

/** Work that the test can look into. */
function makeKind(name: string, work: (params: unknown, signal: AbortSignal) => Promise<void>) {
  const calls: { readonly params: unknown; readonly isAborted: () => boolean }[] = [];
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const kind: TaskKind = {
    name,
    async run(params, report, signal) {
      calls.push({ params, isAborted: () => signal.aborted });
      report({ done: 1, total: 2, unit: 'steps' });
      resolve();
      await work(params, signal);
    },
  };
  return { kind, calls, begun };
}

async function untilAborted(_params: unknown, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

async function ended(tasks: Pick<ReturnType<typeof createTasks>, 'find'>, id: number): Promise<Task> {
  for (;;) {
    const task = await tasks.find(id);
    if (task?.endTs !== undefined) return task;
    await setImmediate();
  }
}

for (const engine of ENGINES) {
  const about = { skip: engine.skip };

  test(
    `on ${engine.name}: a task runs with its parameters, and its end, error and progress can be read`,
    about,
    async (t) => {
      const clock = makeClock();
      const good = makeKind('good', async () => undefined);
      const bad = makeKind('bad', async () => {
        throw new Error('missing source');
      });
      const tasks = start(t, await engine.open(t), [good.kind, bad.kind], clock);
      const first = await tasks.start('good', { before_ts: 5 });
      const second = await tasks.start('bad', {});
      const [done, failed] = [await ended(tasks, first), await ended(tasks, second)];
      assert.deepEqual(good.calls[0]?.params, { before_ts: 5 });
      assert.deepEqual(
        [done.error, done.endTs, done.progress],
        ['', clock.now(), { done: 1, total: 2, unit: 'steps' }],
      );
      assert.equal(failed.error, 'missing source');
      assert.deepEqual(await tasks.list('unfinished'), []);
      assert.deepEqual(
        (await tasks.list('all')).map(({ name }) => name),
        ['good', 'bad'],
      );
    },
  );

  test(
    `on ${engine.name}: a task that a stop interrupts runs again after the next start, however much later`,
    about,
    async (t) => {
      const clock = makeClock();
      const database = await engine.open(t);
      const slow = makeKind('slow', untilAborted);
      const before = start(t, database, [slow.kind], clock);
      const id = await before.start('slow', { source_datastore_id: 'a' });
      await slow.begun;
      await before.stop();
      assert.equal((await before.find(id))?.endTs, undefined);
      clock.pass(24 * HOUR_MS);
      const again = makeKind('slow', async () => undefined);
      const after = start(t, database, [again.kind], clock);
      assert.equal((await ended(after, id)).error, '');
      assert.deepEqual(again.calls[0]?.params, { source_datastore_id: 'a' });
    },
  );

  test(`on ${engine.name}: a task can be cancelled, running or waiting, and is finished then`, about, async (t) => {
    const slow = makeKind('slow', untilAborted);
    const tasks = start(t, await engine.open(t), [slow.kind], makeClock());
    const first = await tasks.start('slow', {});
    const second = await tasks.start('slow', {});
    await slow.begun;
    await tasks.cancel(second);
    assert.equal((await ended(tasks, second)).error, 'cancelled');
    assert.equal(slow.calls.length, 1, 'one at a time');
    await tasks.cancel(first);
    assert.equal((await ended(tasks, first)).error, 'cancelled');
    assert.equal(await tasks.cancel(1_000_000), undefined);
  });

  test(
    `on ${engine.name}: what matrix-media-repo has begun of late goes on, what it left is ended with a reason`,
    about,
    async (t) => {
      const clock = makeClock();
      const database = await engine.open(t);
      const old = await insertTask(database.db, 'good', {}, clock.now() - HOUR_MS - 1);
      const young = await insertTask(database.db, 'good', {}, clock.now() - HOUR_MS + 1000);
      const foreign = await insertTask(database.db, 'unheard of', {}, clock.now());
      const good = makeKind('good', async () => undefined);
      const tasks = start(t, database, [good.kind], clock);
      assert.equal((await ended(tasks, young)).error, '');
      assert.match((await ended(tasks, old)).error, /^abandoned/);
      assert.equal(good.calls.length, 1);
      assert.equal((await tasks.find(foreign))?.endTs, undefined, 'somebody else may know it');
    },
  );

  test(`on ${engine.name}: a task that meets a database that is away is not ended by that`, about, async (t) => {
    const clock = makeClock();
    const flaky = makeKind('flaky', async () => {
      if (flaky.calls.length === 1) throw new Unavailable('away');
    });
    const database = await engine.open(t);
    const tasks = start(t, database, [flaky.kind], clock);
    const id = await tasks.start('flaky', {});
    await flaky.begun;
    const other = await tasks.start('flaky', {});
    await ended(tasks, other);
    assert.equal((await tasks.find(id))?.endTs, undefined);
    clock.pass(30_000);
    await ended(tasks, await tasks.start('flaky', {}));
    assert.equal((await ended(tasks, id)).error, '');
  });

  test(
    `on ${engine.name}: a recurring job runs once in its interval, over restarts, and a failure does not stop it`,
    about,
    async (t) => {
      const database = await engine.open(t);
      const job = makeJob();
      const run = async () => {
        await using _process = startJobs(database, job, makeClock());
        job.work.reject(new Error('in vain'));
        await job.ended();
      };
      job.isWanted = false;
      await startJobs(database, job, makeClock())[Symbol.asyncDispose]();
      job.isWanted = true;
      await run();
      await startJobs(database, job, makeClock())[Symbol.asyncDispose]();
      assert.equal(job.runs, 1);
      await passInDatabase(database, HOUR_MS);
      await run();
      assert.equal(job.runs, 2);
    },
  );

  test(
    `on ${engine.name}: a recurring job that a stop interrupts runs again after the next start`,
    about,
    async (t) => {
      const database = await engine.open(t);
      const job = makeJob();
      for (const runs of [1, 2]) {
        const process = startJobs(database, job, makeClock());
        await job.begun();
        await process[Symbol.asyncDispose]();
        assert.equal(job.runs, runs);
      }
    },
  );

  for (const [what, byMs] of [
    ['back', -24 * HOUR_MS],
    ['forward', 24 * HOUR_MS],
  ] as const) {
    test(
      `on ${engine.name}: a clock that is set ${what} by a day brings no recurring job forward and puts none off`,
      about,
      async (t) => {
        const database = await engine.open(t);
        t.mock.timers.enable({ apis: ['setInterval'] });
        const clock = makeClock();
        const job = makeJob();
        job.work.resolve();
        await using _process = startJobs(database, job, clock, ALWAYS);
        await job.ended();
        clock.set(byMs);
        await passInDatabase(database, byMs);
        const look = async () => {
          t.mock.timers.tick(60_000);
          await database.check(t.signal);
        };
        for (let minute = 1; minute < 60; minute += 1) {
          clock.pass(60_000);
          await look();
        }
        assert.equal(job.runs, 1);
        clock.pass(60_000);
        while (job.runs === 1) await look();
        assert.equal(job.runs, 2);
      },
    );
  }

  test(
    `on ${engine.name}: after a restart, a clock that was set back puts a recurring job off by one interval at the most`,
    about,
    async (t) => {
      const database = await engine.open(t);
      const job = makeJob();
      job.work.resolve();
      {
        await using _before = startJobs(database, job, makeClock());
        await job.ended();
      }
      await passInDatabase(database, -24 * HOUR_MS);
      t.mock.timers.enable({ apis: ['setInterval'] });
      const clock = makeClock();
      await using _after = startJobs(database, job, clock, ALWAYS);
      await database.check(t.signal);
      while (job.runs === 1) {
        assert.ok(clock.elapsedMs() <= 2 * HOUR_MS);
        t.mock.timers.tick(60_000);
        await database.check(t.signal);
        clock.pass(60_000);
      }
      assert.ok(clock.elapsedMs() >= HOUR_MS);
    },
  );
}

/** A recurring job whose work ends when the test says so. */
function makeJob() {
  const begun = Promise.withResolvers<void>();
  const job = {
    name: 'tidy',
    everyMs: HOUR_MS,
    runs: 0,
    isWanted: true,
    work: Promise.withResolvers<void>(),
    hasBegun: begun,
    hasEnded: Promise.withResolvers<void>(),
    async begun() {
      await job.hasBegun.promise;
      job.hasBegun = Promise.withResolvers<void>();
    },
    async ended() {
      await job.hasEnded.promise;
      job.hasEnded = Promise.withResolvers<void>();
    },
    async run(signal: AbortSignal) {
      job.runs += 1;
      job.hasBegun.resolve();
      const left = once(signal, 'abort', { signal: AbortSignal.timeout(60_000) }).then(() => signal.throwIfAborted());
      left.catch(() => undefined);
      try {
        await Promise.race([job.work.promise, left]);
      } finally {
        job.hasEnded.resolve();
      }
    },
  };
  job.work.promise.catch(() => undefined);
  return job;
}

/** As a process that is in charge. */
function startJobs(
  database: Database,
  job: ReturnType<typeof makeJob>,
  { elapsedMs }: TestClock,
  charge = createCharge({ database, holder: randomUUID(), isInCharge: () => true, elapsedMs, log }),
): AsyncDisposable {
  const asked: RecurringJob = { ...job, isWanted: () => job.isWanted };
  const recurring = startRecurring({ database, jobs: [asked], charge, newUniqueId: randomUUID, elapsedMs, log });
  return {
    async [Symbol.asyncDispose]() {
      await recurring[Symbol.asyncDispose]();
      await charge[Symbol.asyncDispose]();
    },
  };
}

const { signal: unlimited } = new AbortController();
/** Where nobody else is. */
const ALWAYS: Charge = { take: async () => unlimited, [Symbol.asyncDispose]: async () => undefined };

/** As if its clock were set. */
async function passInDatabase({ db }: Database, ms: number): Promise<void> {
  await db
    .updateTable('vitrine_leases')
    .set(({ eb }) => ({ expires_ts: eb('expires_ts', '-', ms) }))
    .where('name', '=', 'recurring tidy')
    .execute();
}

test('a long job and a task are interrupted when another process may run them, which then does', {
  skip: postgres.skip,
}, async (t) => {
  const database = await openForTest(t, { postgres: await postgres.createDatabase(t) });
  const clock = makeClock();
  let isInCharge = true;
  const { elapsedMs, now } = clock;
  const charge = createCharge({ database, holder: 'one', isInCharge: () => isInCharge, elapsedMs, log });
  const [slow, job] = [makeKind('slow', untilAborted), makeJob()];
  const { bus } = createOwnCluster({ now });
  await using tasks = createTasks({
    ...{ database, bus, kinds: [slow.kind], charge, maxRunning: () => 1, now, elapsedMs, log },
  });
  await using _recurring = startJobs(database, job, clock, charge);
  const id = await tasks.start('slow', {});
  await Promise.all([slow.begun, job.begun()]);
  assert.equal(slow.calls[0]?.isAborted(), false);

  const again = makeKind('slow', async () => undefined);
  const clockOfOther = makeClock();
  const other = start(t, database, [again.kind], clockOfOther);
  await other.list('all');
  assert.equal(again.calls.length, 0);
  isInCharge = false;
  assert.equal(await charge.take(), undefined);
  await job.ended();
  assert.equal(slow.calls[0]?.isAborted(), true);
  assert.equal((await other.find(id))?.endTs, undefined);
  clockOfOther.pass(31_000);
  await other.start('unheard of', {}); // so that it looks
  assert.equal((await ended(other, id)).error, '');
  assert.equal(again.calls.length, 1);
});
