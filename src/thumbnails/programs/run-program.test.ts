import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProcessesIn } from '../../../test/programs.ts';
import { InternalError } from '../../matrix/index.ts';
import { openLog } from '../../telemetry/index.ts';
import { type ProgramLimits, runProgram } from './run-program.ts';

const LIMITS: ProgramLimits = { maxRunMs: 30_000, maxProgramBytes: 200 * 1024 ** 2 };

/** A shell script in place of a program, in a folder of its own. */
async function play(t: TestContext, script: string, limits: Partial<ProgramLimits> = {}, signal = t.signal) {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-played-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const lines: string[] = [];
  const output = (line: string) => void lines.push(line);
  const { log } = openLog({ level: 'debug', colors: false, json: false, directory: '-', now: Date.now, output });
  const chunks: Buffer[] = [];
  const running = runProgram(
    { command: ['/bin/sh'], args: ['-c', script], folder, maxOutputBytes: 100_000 },
    { ...LIMITS, ...limits },
    log,
    (chunk) => chunks.push(chunk),
    signal,
  );
  return { folder, running, lines, said: () => Buffer.concat(chunks).toString() };
}

test('a program gets none of our environment, nothing to read, and its folder to be in', async (t) => {
  process.env['VITRINE_SECRET'] = 'secret of the tests';
  t.after(() => delete process.env['VITRINE_SECRET']);
  const { running, folder, said } = await play(t, 'env; pwd; cat; echo end');
  assert.deepEqual(await running, { kind: 'exited', isClean: true });
  assert.match(said(), /^LANG=C$/m);
  assert.doesNotMatch(said(), /secret|HOME=|PATH=\/.*(npm|node)/);
  assert.ok(said().endsWith(`${folder}\nend\n`));
});

test('a program cannot make large files, nor dump its memory, nor open many files', async (t) => {
  const { running, folder, said } = await play(
    t,
    'ulimit -c; ulimit -n; ulimit -f; exec head -c 9000000 /dev/zero >large',
  );
  assert.deepEqual(await running, { kind: 'exited', isClean: false });
  assert.match(said(), /^0\n64\n/);
  assert.deepEqual(await readdir(folder), ['large']);
});

test('what a program complains about is logged at debug, its last words at most', async (t) => {
  const { running, lines } = await play(
    t,
    'head -c 300000 /dev/zero | tr "\\0" x >&2; echo the last words >&2; exit 3',
  );
  assert.deepEqual(await running, { kind: 'exited', isClean: false });
  assert.match(lines.join(''), /A program has ended.*the last words/);
  assert.ok(lines.join('').length < 3000);
});

for (const [what, script, limits, why] of [
  ['sleeps', 'exec sleep 600', { maxRunMs: 300 }, 'time'],
  ['works in vain', 'while :; do :; done', { maxRunMs: 300 }, 'time'],
  ['leaves its children behind', 'sleep 600 & sleep 600 & wait', { maxRunMs: 300 }, 'time'],
  ['writes without end', 'exec yes', {}, 'output'],
  ['eats memory', 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done', { maxProgramBytes: 20 * 1024 ** 2 }, 'memory'],
] as const) {
  test(`a program that ${what} is ended, with all that it has started`, async (t) => {
    const { running, folder } = await play(t, script, limits);
    const ending = await running;
    // Memory has two limits; which of them it meets first is a matter of luck.
    if (why === 'memory' && ending.kind === 'exited') assert.equal(ending.isClean, false);
    else assert.deepEqual(ending, { kind: 'killed', why });
    assert.deepEqual(await findProcessesIn(folder), []);
  });
}

test('when nobody wants its answer any more, a program is ended', async (t) => {
  const controller = new AbortController();
  const { running, folder } = await play(t, 'exec sleep 600', {}, controller.signal);
  controller.abort(new Error('The client has left'));
  await assert.rejects(running, { message: 'The client has left' });
  assert.deepEqual(await findProcessesIn(folder), []);
  const late = await play(t, 'echo started', {}, controller.signal);
  await assert.rejects(late.running, { message: 'The client has left' });
  assert.equal(late.said(), '');
});

test('a program ends when what it says cannot be used', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-played-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { log } = openLog({ level: 'fatal', colors: false, json: false, directory: '-', now: Date.now });
  const take = () => {
    throw new RangeError('No use for it');
  };
  const run = { command: ['/bin/sh'], args: ['-c', 'echo word; exec sleep 600'], folder, maxOutputBytes: 100 };
  await assert.rejects(runProgram(run, LIMITS, log, take, t.signal), { message: 'No use for it' });
  assert.deepEqual(await findProcessesIn(folder), []);
  const gone = { ...run, folder: join(folder, 'gone') };
  await assert.rejects(
    runProgram(gone, LIMITS, log, () => {}, t.signal),
    InternalError,
  );
});
