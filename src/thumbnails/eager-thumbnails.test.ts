import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { makeConfig } from '../../test/config.ts';
import { playObject } from '../../test/played-media.ts';
import { BadRequest, type MxcUri, parseMediaId, parseServerName } from '../matrix/index.ts';
import { openLog } from '../telemetry/index.ts';
import { createEagerThumbnails } from './eager-thumbnails.ts';
import type { AskedThumbnail } from './thumbnails.ts';

const config = await makeConfig();
const usual = config.domains.get('example.org');
assert.ok(usual);
const { thumbnails: options } = usual;
const domain = { ...usual, thumbnails: { ...options, generateAtUpload: true } };
const other = { ...domain, serverName: 'other.example.org' };

function uriOf(mediaId: string): MxcUri {
  return { origin: parseServerName('example.org'), mediaId: parseMediaId(mediaId) };
}

/** Workers that are free when the test says so, and what they were asked for. */
function start({ maxWaiting = 10, open = async (_asked: AskedThumbnail) => {} } = {}) {
  const made: string[] = [];
  let frees = Promise.withResolvers<void>();
  const lines: string[] = [];
  const output = (line: string) => lines.push(line);
  const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: () => 0, output });
  const eager = createEagerThumbnails({
    log,
    maxWaiting,
    thumbnailer: {
      async untilFree(signal) {
        const { promise: left, reject } = Promise.withResolvers<never>();
        signal.addEventListener('abort', () => reject(signal.reason));
        signal.throwIfAborted();
        await Promise.race([frees.promise, left]);
      },
    },
    thumbnails: {
      async open(_domain, asked) {
        const { uri, size, method, animated } = asked;
        assert.equal(animated, undefined);
        made.push(`${uri.mediaId} ${size.width}x${size.height} ${method}`);
        await open(asked);
        const object = playObject(Buffer.from('thumbnail'));
        return {
          contentType: 'image/png',
          sha256: '',
          object,
          createdTs: undefined,
          again: () => undefined,
          [Symbol.asyncDispose]: object[Symbol.asyncDispose],
        };
      },
    },
  });
  const setFree = () => frees.resolve();
  return { eager, made, lines, setFree, setBusy: () => (frees = Promise.withResolvers<void>()) };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setImmediate();
}

test('an upload gets its sizes, squares cropped, once a worker is free', async () => {
  const { eager, made, setFree } = start();
  await using _eager = eager;
  eager.schedule(domain, uriOf('a'));
  await setImmediate();
  assert.deepEqual(made, []);
  setFree();
  await until(() => made.length === options.sizes.length);
  assert.deepEqual(made, ['a 32x32 crop', 'a 96x96 crop', 'a 320x240 scale', 'a 640x480 scale', 'a 800x600 scale']);
});

test('what clients wait for goes first, also between two sizes', async () => {
  const { eager, made, setFree, setBusy } = start({ open: async () => void setBusy() });
  await using _eager = eager;
  eager.schedule(domain, uriOf('a'));
  setFree();
  await until(() => made.length === 1);
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  assert.equal(made.length, 1);
  setFree();
  await until(() => made.length === 2);
});

test('nothing is made where the domain has not asked for it', async () => {
  const { eager, made, setFree } = start();
  setFree();
  eager.schedule(usual, uriOf('a'));
  await eager[Symbol.asyncDispose]();
  assert.deepEqual(made, []);
});

for (const [what, error, isLogged] of [
  ['what is no picture is tried once, and no reason for a line in the log', new BadRequest('No picture'), false],
  ['what fails for another reason is logged', new Error('the disk is gone'), true],
] as const) {
  test(`${what}, and the next upload gets its thumbnails`, async () => {
    const open = async ({ uri }: AskedThumbnail) => {
      if (uri.mediaId === 'bad') throw error;
    };
    const { eager, made, lines, setFree } = start({ open });
    await using _eager = eager;
    eager.schedule(domain, uriOf('bad'));
    eager.schedule(domain, uriOf('good'));
    setFree();
    await until(() => made.length === 1 + options.sizes.length);
    assert.deepEqual(
      made.filter((line) => line.startsWith('bad')),
      ['bad 32x32 crop'],
    );
    assert.equal(lines.length, isLogged ? 1 : 0);
  });
}

test('domains take turns, and when too much waits the busiest one goes without', async () => {
  const { eager, made, setFree } = start({ maxWaiting: 3 });
  await using _eager = eager;
  for (const id of ['now', 'a1', 'a2', 'a3', 'a4']) eager.schedule(domain, uriOf(id));
  eager.schedule(other, uriOf('b1'));
  setFree();
  const order = ['now', 'a1', 'b1', 'a2'];
  await until(() => made.length === order.length * options.sizes.length);
  assert.deepEqual([...new Set(made.map((line) => line.split(' ')[0]))], order);
});

test('a stop ends what is waited for, and nothing is begun after it', async () => {
  const { eager, made, lines, setFree } = start();
  eager.schedule(domain, uriOf('a'));
  eager.schedule(domain, uriOf('b'));
  await eager[Symbol.asyncDispose]();
  setFree();
  eager.schedule(domain, uriOf('c'));
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  assert.deepEqual([made, lines], [[], []]);
});
