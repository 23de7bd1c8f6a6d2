import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openLineWriter } from './line-writer.ts';

async function openFile(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-lines-'));
  const path = join(folder, 'lines');
  const fd = openSync(path, 'a');
  t.after(async () => {
    closeSync(fd);
    await rm(folder, { recursive: true });
  });
  return { path, fd };
}

test('all lines are written in order, also those that come while others are being written', async (t) => {
  const { path, fd } = await openFile(t);
  const writer = openLineWriter(fd, assert.ifError);
  const lines = Array.from({ length: 100 }, (_, number) => `${number} ${'€'.repeat(10_000)}\n`);
  for (const [number, line] of lines.entries()) {
    writer.write(line);
    if (number % 10 === 0) await new Promise(setImmediate);
  }
  await writer.flush();
  assert.equal(await readFile(path, 'utf8'), lines.join(''));
});

test('what waits is bounded: lines beyond that are dropped, later ones come through again', async (t) => {
  const { path, fd } = await openFile(t);
  const writer = openLineWriter(fd, assert.ifError);
  const line = `${'x'.repeat(1_048_575)}\n`;
  for (let number = 0; number < 20; number++) writer.write(line);
  await writer.flush();
  writer.write('later\n');
  await writer.flush();
  const written = await readFile(path, 'utf8');
  assert.equal(written.length, 16 * line.length + 'later\n'.length);
  assert.match(written, /later\n$/);
});

test('an error is told, and flushing comes to an end', { skip: process.platform !== 'linux' }, async (t) => {
  const fd = openSync('/dev/full', 'a');
  t.after(() => closeSync(fd));
  const errors: unknown[] = [];
  const writer = openLineWriter(fd, (error) => errors.push(error));
  writer.write('one\n');
  await writer.flush();
  writer.write('two\n');
  await writer.flush();
  assert.deepEqual(
    errors.map((error) => (error as NodeJS.ErrnoException).code),
    ['ENOSPC', 'ENOSPC'],
  );
});
