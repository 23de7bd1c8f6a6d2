import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { makeJpeg, makePng, sizeOf } from '../../test/pictures.ts';
import { BadRequest, InternalError, Unavailable } from '../matrix/index.ts';
import { openLog } from '../telemetry/index.ts';
import type { ThumbnailJob } from './job.ts';
import type { Source } from './source.ts';
import { createThumbnailer, type OpenThumbnailer, type ThumbnailerParts } from './thumbnailer.ts';

const JOB: ThumbnailJob = {
  size: { width: 32, height: 32 },
  method: 'crop',
  animated: false,
  stillFrame: 0,
  formats: ['jpeg', 'png'],
  maxPixels: 32_000_000,
};
const picture = await makePng({ width: 64, height: 64 });
/** A worker is killed while others wait for it, in a process that has no descriptor left to start another. */
const STARVED = `
import { closeSync, openSync } from 'node:fs';
const { WorkerPool } = await import(process.argv[1]);
const limits = { maxWorkers: 1, maxJobMs: 30_000, maxUnwantedMs: 30_000, maxWorkerBytes: 2 ** 40, maxQueued: 9, maxJobsPerWorker: 9, maxIdleMs: 9_000 };
await using pool = new WorkerPool(limits);
const job = { make: 'thumbnail', size: { width: 9, height: 9 }, method: 'scale', animated: false, stillFrame: 0, formats: ['png'], maxPixels: 9 };
const ask = async () => {
  const { kind, why } = await pool.run(job, Buffer.from('no picture'), '', AbortSignal.timeout(30_000));
  return kind === 'ended' ? kind + ': ' + why : kind;
};
const said = [await ask()];
const taken = [];
try { for (;;) taken.push(openSync('/dev/null')); } catch {}
const asked = [ask(), ask(), ask()];
process.kill(pool.pids[0], 'SIGKILL');
said.push(...(await Promise.all(asked)));
for (const descriptor of taken) closeSync(descriptor);
said.push(await ask());
console.log(JSON.stringify(said));
`;
const bigPicture = await makeJpeg({ width: 3000, height: 2000 });

test('no process is started before it is needed, and none is left behind', async () => {
  const { thumbnailer } = open();
  assert.deepEqual(thumbnailer.workerPids, []);
  await render(thumbnailer);
  const [pid] = thumbnailer.workerPids;
  await thumbnailer[Symbol.asyncDispose]();
  assert.throws(() => process.kill(pid ?? 0, 0), { code: 'ESRCH' });
  assert.deepEqual(thumbnailer.workerPids, []);
});

test('closing answers those that wait and those that are served', async () => {
  const { thumbnailer } = open();
  const asked = [render(thumbnailer), render(thumbnailer)];
  const all = Promise.allSettled(asked);
  await thumbnailer[Symbol.asyncDispose]();
  for (const { status, reason } of (await all) as PromiseRejectedResult[]) {
    assert.equal(status, 'rejected');
    assert.ok(reason instanceof Unavailable);
  }
  await assert.rejects(render(thumbnailer), Unavailable);
});

test('one process serves many pictures, in the order in which they came', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  const order: number[] = [];
  await Promise.all([0, 1, 2, 3].map((n) => render(thumbnailer).then(() => order.push(n))));
  assert.deepEqual(order, [0, 1, 2, 3]);
  assert.equal(thumbnailer.workerPids.length, 1);
});

test('SEC-10: a worker that is killed in its work costs one answer, and the next picture gets a new worker', async () => {
  await using opened = open();
  const { thumbnailer, lines } = opened;
  await render(thumbnailer);
  const [pid = 0] = thumbnailer.workerPids;

  const interrupted = render(thumbnailer, bigPicture);
  const waiting = render(thumbnailer);
  process.kill(pid, 'SIGKILL');

  await assert.rejects(interrupted, BadRequest);
  assert.equal((await waiting).kind, 'picture');
  assert.notEqual(thumbnailer.workerPids[0], pid);
  assert.match(lines.join(''), /worker was ended by a picture/);
});

test('a worker that cannot start is not blamed on the picture', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  const unlucky = render(thumbnailer);
  process.kill(thumbnailer.workerPids[0] ?? 0, 'SIGKILL');
  await assert.rejects(unlucky, InternalError);
  assert.equal((await render(thumbnailer)).kind, 'picture');
});

test('other work has the place of a picture, and what it throws is its own affair', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  const { signal } = new AbortController();
  const order: string[] = [];
  const release = Promise.withResolvers<void>();
  const held = thumbnailer.hold(async () => {
    order.push('work begins');
    await release.promise;
    order.push('work ends');
    return 'result';
  }, signal);
  const waiting = render(thumbnailer).then(() => order.push('picture'));
  release.resolve();
  assert.equal(await held, 'result');
  await waiting;
  assert.deepEqual(order, ['work begins', 'work ends', 'picture']);
  const failing = thumbnailer.hold(() => Promise.reject(new RangeError('no luck')), signal);
  await assert.rejects(failing, { message: 'no luck' });
  assert.equal((await render(thumbnailer)).kind, 'picture');
});

test('a worker that dies without work is forgotten', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  await render(thumbnailer);
  process.kill(thumbnailer.workerPids[0] ?? 0, 'SIGKILL');
  while (thumbnailer.workerPids.length > 0) await setImmediate();
  assert.equal((await render(thumbnailer)).kind, 'picture');
});

test('TH-19, SEC-10, SEC-11: a picture that takes too long is refused, and its worker killed', async () => {
  await using opened = open({ maxJobMs: 1 });
  await assert.rejects(render(opened.thumbnailer, bigPicture), {
    name: 'Error',
    message: /more work than this server does/,
  });
  assert.deepEqual(opened.thumbnailer.workerPids, []);
  assert.match(opened.lines.join(''), /time/);
});

test('TH-19, SEC-10: a picture that takes too much memory is refused, and its worker killed', async (t) => {
  if (process.platform !== 'linux') return t.skip('memory is watched on Linux only');
  await using opened = open({ maxWorkerBytes: 1 });
  await assert.rejects(render(opened.thumbnailer, bigPicture), BadRequest);
  assert.deepEqual(opened.thumbnailer.workerPids, []);
  assert.match(opened.lines.join(''), /memory/);
});

test('SEC-11: a picture that comes when too many wait is turned away for now', async () => {
  await using opened = open({ maxQueued: 1 });
  const { thumbnailer } = opened;
  const served = render(thumbnailer);
  const waiting = render(thumbnailer);
  await assert.rejects(render(thumbnailer), Unavailable);
  assert.deepEqual((await Promise.all([served, waiting])).length, 2);
});

test('a file is not read before a worker is free for it', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  const firstRead = Promise.withResolvers<Buffer>();
  const reads: string[] = [];
  const first = render(thumbnailer, {
    sizeBytes: picture.length,
    async *read() {
      reads.push('first');
      yield await firstRead.promise;
    },
  });
  const second = render(thumbnailer, {
    sizeBytes: picture.length,
    async *read() {
      reads.push('second');
      yield picture;
    },
  });
  while (reads.length === 0) await setImmediate();
  assert.deepEqual(reads, ['first']);
  firstRead.resolve(picture);
  assert.equal((await first).kind, 'picture');
  assert.equal((await second).kind, 'picture');
  assert.deepEqual(reads, ['first', 'second']);
});

test('a file that cannot be read costs one answer and no worker', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  await render(thumbnailer);
  const before = thumbnailer.workerPids;
  const unreadable = render(thumbnailer, brokenAfter(0));
  const next = render(thumbnailer);
  await assert.rejects(unreadable, /the disk is gone/);
  assert.equal((await next).kind, 'picture');
  assert.deepEqual(thumbnailer.workerPids, before);
});

test('a worker that dies while the file is read is not blamed on the picture', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  await render(thumbnailer);
  const unlucky = render(thumbnailer, {
    sizeBytes: picture.length,
    async *read() {
      yield picture.subarray(0, 50);
      process.kill(thumbnailer.workerPids[0] ?? 0, 'SIGKILL');
      while (thumbnailer.workerPids.length > 0) await setImmediate();
      yield picture.subarray(50);
    },
  });
  await assert.rejects(unlucky, InternalError);
  assert.equal((await render(thumbnailer)).kind, 'picture');
});

test('SEC-11: no more files are read at once than there may be workers, also when a worker dies meanwhile', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  await render(thumbnailer);
  const reads: string[] = [];
  const released = Promise.withResolvers<void>();
  const first = render(thumbnailer, {
    sizeBytes: picture.length,
    async *read() {
      reads.push('first');
      await released.promise;
      yield picture;
    },
  });
  const second = render(thumbnailer, {
    sizeBytes: picture.length,
    async *read() {
      reads.push('second');
      yield picture;
    },
  });
  process.kill(thumbnailer.workerPids[0] ?? 0, 'SIGKILL');
  while (thumbnailer.workerPids.length > 0) await setImmediate();
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  assert.deepEqual(reads, ['first']);
  assert.deepEqual(thumbnailer.workerPids, []);
  released.resolve();
  await assert.rejects(first, InternalError);
  assert.equal((await second).kind, 'picture');
});

for (const [what, source] of [
  ['breaks off while it is read', brokenAfter(50)],
  ['is shorter than it was said to be', { sizeBytes: 1000, read: () => pieces(Buffer.alloc(999)) }],
  ['is longer than it was said to be', { sizeBytes: 1000, read: () => pieces(Buffer.alloc(600), Buffer.alloc(600)) }],
] as const) {
  test(`a file that ${what} costs one answer, and no later one gets its bytes`, async () => {
    await using opened = open();
    const { thumbnailer } = opened;
    const unreadable = render(thumbnailer, source);
    const next = render(thumbnailer);
    await assert.rejects(unreadable, /the disk is gone|when it is read/);
    assert.equal((await next).kind, 'picture');
  });
}

test('SEC-11: however large a file is, the server holds pieces of it, and a worker no more than it may', async (t) => {
  if (process.platform !== 'linux') return t.skip('memory is watched on Linux only');
  await using opened = open({ maxWorkerBytes: 256 * 1024 ** 2 });
  const piece = Buffer.alloc(1024 ** 2);
  let pieceCount = 0;
  const endless = {
    sizeBytes: 1024 ** 3,
    async *read() {
      for (; pieceCount < 1024; pieceCount += 1) yield piece;
    },
  };
  const before = process.memoryUsage().rss;
  await assert.rejects(render(opened.thumbnailer, endless), BadRequest);
  assert.ok(pieceCount < 1024);
  assert.ok(process.memoryUsage().rss - before < 64 * 1024 ** 2);
  assert.match(opened.lines.join(''), /memory/);
});

test('a domain with many pictures does not keep another one waiting', async () => {
  await using opened = open({ maxQueued: 4 });
  const { thumbnailer } = opened;
  const order: string[] = [];
  const ask = async (domain: string) => {
    await thumbnailer.forDomain(domain).render(picture, JOB, new AbortController().signal);
    order.push(domain);
  };
  const busy = [1, 2, 3, 4, 5].map(() => ask('busy.example.org'));
  const ends = Promise.allSettled(busy);
  await Promise.all([ask('quiet.example.org'), ends]);
  assert.deepEqual(
    order,
    ['busy', 'busy', 'quiet', 'busy', 'busy'].map((name) => `${name}.example.org`),
  );
  const [last] = (await ends).slice(-1);
  assert.ok(last?.status === 'rejected' && last.reason instanceof Unavailable, 'the longest queue gives way');
});

test('who wants a worker only when nobody else does waits for the queue to be empty', async () => {
  await using opened = open();
  const { thumbnailer } = opened;
  const { signal } = new AbortController();
  await thumbnailer.untilFree(signal);
  const order: string[] = [];
  const asked = [1, 2].map((n) => render(thumbnailer).then(() => order.push(`picture ${n}`)));
  await Promise.all([thumbnailer.untilFree(signal).then(() => order.push('free')), ...asked]);
  assert.deepEqual(order.toSorted(), ['free', 'picture 1', 'picture 2']);
  assert.notEqual(order[0], 'free');
});

test('who waits for a free worker is told when it leaves, and when the server stops', async () => {
  const { thumbnailer } = open();
  const busy = assert.rejects(render(thumbnailer), Unavailable);
  const leaver = new AbortController();
  const left = assert.rejects(thumbnailer.untilFree(leaver.signal), /gone/);
  const stopped = assert.rejects(thumbnailer.untilFree(new AbortController().signal), Unavailable);
  leaver.abort(new Error('gone'));
  await left;
  await thumbnailer[Symbol.asyncDispose]();
  await Promise.all([busy, stopped]);
  await assert.rejects(thumbnailer.untilFree(new AbortController().signal), Unavailable);
});

test('pictures are worked on with less priority than requests', async (t) => {
  if (process.platform === 'win32') return t.skip('priorities work another way there');
  await using opened = open();
  await render(opened.thumbnailer);
  assert.ok(getPriority(opened.thumbnailer.workerPids[0]) > getPriority());
});

test('without file descriptors thumbnails fail, the server lives, and then they come again', async (t) => {
  if (process.platform === 'win32') return t.skip('there is no such limit to set');
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'ulimit -n 64; exec "$@"',
    'sh',
    process.execPath,
    '--input-type=module',
    '--eval',
    STARVED,
    new URL('worker-pool.ts', import.meta.url).href,
  ]);
  assert.deepEqual(JSON.parse(stdout), ['answered', 'ended: crash', 'ended: start', 'ended: start', 'answered']);
});

test('who leaves while waiting gives up the place in the queue', async () => {
  await using opened = open({ maxQueued: 1 });
  const { thumbnailer } = opened;
  const served = render(thumbnailer);
  const leaver = new AbortController();
  const left = assert.rejects(render(thumbnailer, picture, leaver.signal), /gone/);
  leaver.abort(new Error('gone'));
  const next = render(thumbnailer);
  await left;
  assert.equal((await served).kind, 'picture');
  assert.equal((await next).kind, 'picture');
});

test('who leaves while being served is answered at once, and the worker goes on to the next', async () => {
  await using opened = open({ maxUnwantedMs: 30_000 });
  const { thumbnailer } = opened;
  await render(thumbnailer);
  const [pid] = thumbnailer.workerPids;
  const leaver = new AbortController();
  const left = assert.rejects(render(thumbnailer, bigPicture, leaver.signal), /gone/);
  leaver.abort(new Error('gone'));
  await left;
  const next = await render(thumbnailer);
  assert.ok(next.kind === 'picture');
  assert.deepEqual(await sizeOf(next.bytes), { width: 32, height: 32 });
  assert.deepEqual(thumbnailer.workerPids, [pid]);
});

test('SEC-11: what nobody wants any more is stopped, is not blamed on the picture, and the next gets a new worker', async () => {
  await using opened = open({ maxUnwantedMs: 0 });
  const { thumbnailer } = opened;
  await render(thumbnailer);
  const [pid = 0] = thumbnailer.workerPids;
  process.kill(pid, 'SIGSTOP'); // a picture that takes for ever
  const leaver = new AbortController();
  const begun = Promise.withResolvers<void>();
  const source = {
    sizeBytes: bigPicture.length,
    async *read() {
      begun.resolve();
      yield bigPicture;
    },
  };
  const left = assert.rejects(render(thumbnailer, source, leaver.signal), /gone/);
  const next = render(thumbnailer);
  await begun.promise;
  leaver.abort(new Error('gone'));
  await left;
  assert.equal((await next).kind, 'picture');
  assert.notEqual(thumbnailer.workerPids[0], pid);
  assert.deepEqual(opened.lines, []);
});

test('who has left before asking gets nothing started', async () => {
  await using opened = open();
  await assert.rejects(render(opened.thumbnailer, picture, AbortSignal.abort(new Error('gone'))), /gone/);
  assert.deepEqual(opened.thumbnailer.workerPids, []);
});

test('a worker is replaced after its number of pictures', async () => {
  await using opened = open({ maxJobsPerWorker: 2 });
  const { thumbnailer } = opened;
  const pids: (number | undefined)[] = [];
  for (let n = 0; n < 3; n += 1) {
    const rendered = render(thumbnailer);
    await rendered;
    while (n === 1 && thumbnailer.workerPids.length > 0) await setImmediate();
    pids.push(thumbnailer.workerPids[0]);
  }
  assert.notEqual(pids[0], undefined);
  assert.notEqual(pids[2], pids[0]);
});

test('a worker without work is stopped', async () => {
  await using opened = open({ maxIdleMs: 1 });
  await render(opened.thumbnailer);
  while (opened.thumbnailer.workerPids.length > 0) await setImmediate();
});

function open(options: Partial<ThumbnailerParts> = {}) {
  const lines: string[] = [];
  const output = (line: string) => lines.push(line);
  const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: () => 0, output });
  const thumbnailer = createThumbnailer({ log, maxWorkers: 1, ...options });
  return { thumbnailer, lines, [Symbol.asyncDispose]: () => thumbnailer[Symbol.asyncDispose]() };
}

function render(thumbnailer: OpenThumbnailer, source: Source = picture, signal = new AbortController().signal) {
  return thumbnailer.render(source, JOB, signal);
}

async function* pieces(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function brokenAfter(sizeBytes: number): Source {
  return {
    sizeBytes: picture.length,
    async *read() {
      if (sizeBytes > 0) yield picture.subarray(0, sizeBytes);
      throw new Error('the disk is gone');
    },
  };
}
