import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openLog } from '../telemetry/index.ts';
import { type KnownProcess, openProcesses, type ProcessBook, type ProcessesParts } from './processes.ts';

type Row = Omit<KnownProcess, 'silentMs' | 'beats'> & { beats: number; beatMs: number };

/** A database in memory, with a clock that the test moves, and timers that go with it. */
function playBook(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const rows = new Map<number, Row>();
  let timeMs = 0;
  let isAway = false;
  const ofInstance = (instance: string) => [...rows.values()].find((row) => row.instance === instance);
  const orAway = () => {
    if (isAway) throw new Error('The database is away');
  };
  const book: ProcessBook = {
    async list() {
      orAway();
      return [...rows.values()].map(({ beatMs, ...row }) => ({ ...row, silentMs: timeMs - beatMs }));
    },
    async add(process) {
      orAway();
      if (rows.has(process.machine_id)) return false;
      rows.set(process.machine_id, { ...process, beats: 0, beatMs: timeMs });
      return true;
    },
    async replace(process, seen) {
      const row = rows.get(seen.machine_id);
      if (row?.instance !== seen.instance || row.beats !== seen.beats) return false;
      rows.set(process.machine_id, { ...process, beats: 0, beatMs: timeMs });
      return true;
    },
    async beat({ instance }) {
      orAway();
      const row = ofInstance(instance);
      if (row === undefined) return false;
      row.beats += 1;
      row.beatMs = timeMs;
      return true;
    },
    async remove({ instance }) {
      const row = ofInstance(instance);
      if (row !== undefined) rows.delete(row.machine_id);
    },
  };
  const logged: { level: string; msg: string }[] = [];
  const output = (line: string) => void logged.push(JSON.parse(line));
  const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: () => timeMs, output });
  const open = async (machineId: number, parts: Partial<ProcessesParts> = {}) => {
    const opened = await openProcesses(
      {
        book,
        machineId,
        version: '1.2.3',
        self: { host: 'here', pid: 1, started: '1' },
        hasEnded: () => false,
        isShared: true,
        takeOverMs: () => 0,
        log,
        elapsedMs: () => timeMs,
        ...parts,
      },
      t.signal,
    );
    t.after(() => opened[Symbol.asyncDispose]());
    return opened;
  };
  /** In small steps, so that all that happens in between happens at its time. */
  const pass = async (ms: number) => {
    for (const endMs = timeMs + ms; timeMs < endMs; ) {
      timeMs += 100;
      t.mock.timers.tick(100);
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
    }
  };
  return {
    book,
    open,
    pass,
    rows,
    logged,
    /** Its timers stay with a process that the test forgets about; this one has none. */
    addDead: (machine_id: number, silentMs = 0) =>
      rows.set(machine_id, {
        ...{ machine_id, instance: 'dead', host: 'there', pid: 9, started: '1', version: '1', beats: 5 },
        beatMs: timeMs - silentMs,
      }),
    beAway: (away: boolean) => {
      isAway = away;
    },
  };
}

/** Whether it has been opened by now. */
async function isOpen(opening: Promise<unknown>): Promise<boolean> {
  return await Promise.race([opening.then(() => true), Promise.resolve(false)]);
}

test('a second live process with the same number is refused, and told which the first one is', async (t) => {
  const { open, pass } = playBook(t);
  await open(3);
  const second = assert.rejects(open(3), /MACHINE_ID 3 on this database: process 1 on here\..* 0 to 1023/);
  await pass(3_000);
  await second;
  await open(4);
});

test('a process that stopped leaves its number free at once', async (t) => {
  const { open, rows } = playBook(t);
  await (await open(3))[Symbol.asyncDispose]();
  assert.equal(rows.size, 0);
  await open(3);
});

test('a process of this machine that is known to have ended is followed at once', async (t) => {
  const { open, addDead } = playBook(t);
  addDead(3);
  await open(3, { hasEnded: ({ pid }) => pid === 9 });
});

test('one of another machine is followed when it has shown no life for ten seconds', async (t) => {
  const { open, pass, addDead, logged } = playBook(t);
  addDead(3);
  const opening = open(3);
  await pass(9_500);
  assert.equal(await isOpen(opening), false);
  await pass(1_000);
  await opening;
  assert.match(logged.map(({ msg }) => msg).join(), /Looking whether the last process/);
});

test('one that has been silent for long is looked at for a moment only, and followed unless it shows life', async (t) => {
  const { open, pass, addDead, rows } = playBook(t);
  addDead(3, 60_000);
  const opening = open(3);
  await pass(3_500);
  await opening;
  addDead(4, 60_000);
  const refused = assert.rejects(open(4), /MACHINE_ID 4/);
  await pass(1_000);
  const row = rows.get(4);
  assert.ok(row);
  row.beats += 1; // the database was away, and is back
  await pass(1_000);
  await refused;
});

test('process 0 is in charge, and others are not', async (t) => {
  const { open, pass } = playBook(t);
  const [first, second] = [await open(0), await open(1)];
  await pass(60_000);
  assert.deepEqual([first.isInCharge(), second.isInCharge()], [true, false]);
});

test('where that is wanted, the lowest of the others takes over for process 0, until it is back', async (t) => {
  const { open, pass, logged } = playBook(t);
  const takeOverMs = () => 30_000;
  const first = await open(0, { takeOverMs });
  const others = [await open(2, { takeOverMs }), await open(1, { takeOverMs })];
  const inCharge = () => others.map((process) => process.isInCharge());
  await pass(10_000);
  await first[Symbol.asyncDispose]();
  await pass(25_000);
  assert.deepEqual(inCharge(), [false, false]);
  await pass(10_000);
  assert.deepEqual(inCharge(), [false, true]);
  assert.match(logged.at(-1)?.msg ?? '', /takes over/);
  await open(0, { takeOverMs });
  await pass(3_000);
  assert.deepEqual(inCharge(), [false, false]);
  assert.match(logged.at(-1)?.msg ?? '', /gives back/);
});

test('whoever cannot tell the others that it is alive is not in charge', async (t) => {
  const { open, pass, beAway } = playBook(t);
  const process = await open(0);
  await pass(4_000);
  beAway(true);
  await pass(9_000);
  assert.equal(process.isInCharge(), true);
  await pass(4_000);
  assert.equal(process.isInCharge(), false);
  beAway(false);
  await pass(3_000);
  assert.equal(process.isInCharge(), true);
});

test('a database that hangs is asked for one sign of life after the other, so that a stop does not wait for many', async (t) => {
  const { book, open, pass } = playBook(t);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let asked = 0;
  const beat = () => {
    asked += 1;
    return promise;
  };
  const process = await open(0, { book: { ...book, beat } });
  await pass(60_000);
  resolve(true);
  await process[Symbol.asyncDispose]();
  assert.equal(asked, 1);
});

test('a process that lost its number while it slept says so, and is not in charge', async (t) => {
  const { open, pass, addDead, rows, logged } = playBook(t);
  const process = await open(0);
  rows.clear();
  await pass(3_000);
  assert.equal(process.isInCharge(), true, 'a row that was lost is written again');
  addDead(0);
  await pass(5_000);
  assert.equal(process.isInCharge(), false);
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['error'],
  );
});

test('several processes without Redis are warned once', async (t) => {
  const { open, pass, logged } = playBook(t);
  await open(0, { isShared: false });
  await open(1);
  await pass(20_000);
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['warning'],
  );
  assert.match(logged[0]?.msg ?? '', /cannot hear each other without Redis/);
});
