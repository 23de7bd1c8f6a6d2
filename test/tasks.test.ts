import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { createOwnCluster } from '../src/cluster/index.ts';
import { type Database, insertTask } from '../src/database/index.ts';
import { Unavailable } from '../src/matrix/index.ts';
import { createTasks, type RecurringJob, startRecurring, type Task, type TaskKind } from '../src/tasks/index.ts';
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

/** A clock that the test moves. */
function makeClock() {
  let ts = 1_700_000_000_000;
  return {
    now: () => ts,
    pass: (ms: number) => {
      ts += ms;
    },
  };
}

function start(t: TestContext, database: Database, kinds: readonly TaskKind[], now: () => number) {
  const tasks = createTasks({
    database,
    bus: createOwnCluster({ now }).bus,
    kinds,
    isInCharge: () => true,
    maxRunning: () => 1,
    newUniqueId: randomUUID,
    now,
    log: pino({ level: 'silent' }),
  });
  t.after(() => tasks[Symbol.asyncDispose]());
  return tasks;
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

async function ended(tasks: ReturnType<typeof createTasks>, id: number): Promise<Task> {
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
      const tasks = start(t, await engine.open(t), [good.kind, bad.kind], clock.now);
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
      const before = start(t, database, [slow.kind], clock.now);
      const id = await before.start('slow', { source_datastore_id: 'a' });
      await slow.begun;
      await before[Symbol.asyncDispose]();
      assert.equal((await before.find(id))?.endTs, undefined);
      clock.pass(24 * HOUR_MS);
      const again = makeKind('slow', async () => undefined);
      const after = start(t, database, [again.kind], clock.now);
      assert.equal((await ended(after, id)).error, '');
      assert.deepEqual(again.calls[0]?.params, { source_datastore_id: 'a' });
    },
  );

  test(`on ${engine.name}: a task can be cancelled, running or waiting, and is finished then`, about, async (t) => {
    const slow = makeKind('slow', untilAborted);
    const tasks = start(t, await engine.open(t), [slow.kind], makeClock().now);
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
      const tasks = start(t, database, [good.kind], clock.now);
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
    const tasks = start(t, database, [flaky.kind], clock.now);
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
      const clock = makeClock();
      const database = await engine.open(t);
      let runs = 0;
      let isWanted = false;
      let work = async () => {};
      const job: RecurringJob = {
        name: 'tidy',
        everyMs: HOUR_MS,
        isWanted: () => isWanted,
        run: async () => {
          runs += 1;
          await work();
        },
      };
      const startOnce = () => {
        const log = pino({ level: 'silent' });
        return startRecurring({
          database,
          jobs: [job],
          isInCharge: () => true,
          newUniqueId: randomUUID,
          now: clock.now,
          log,
        });
      };
      const runOnce = async () => {
        const { promise: begun, resolve } = Promise.withResolvers<void>();
        const { promise, reject } = Promise.withResolvers<never>();
        work = () => {
          resolve();
          return promise;
        };
        const recurring = startOnce();
        await begun;
        reject(new Error('in vain'));
        await promise.catch(() => undefined);
        await setImmediate();
        await recurring[Symbol.asyncDispose]();
      };
      await startOnce()[Symbol.asyncDispose]();
      isWanted = true;
      await runOnce();
      await startOnce()[Symbol.asyncDispose]();
      assert.equal(runs, 1);
      clock.pass(HOUR_MS);
      await runOnce();
      assert.equal(runs, 2);
    },
  );
}
