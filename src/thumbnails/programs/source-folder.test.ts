import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { playObject } from '../../../test/played-media.ts';
import { Unavailable } from '../../matrix/index.ts';
import { openLog } from '../../telemetry/index.ts';
import { openSourceFolder, removeAbandonedFolders } from './source-folder.ts';

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-sources-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a media lies in a folder of its own, which goes with it', async (t) => {
  const tempPath = await makeFolder(t);
  const bytes = Buffer.from('all of these bytes, in pieces that share their memory');
  {
    await using folder = await openSourceFolder(tempPath, playObject(bytes, 7), t.signal);
    assert.deepEqual(await readdir(folder.path), ['source']);
    assert.deepEqual(await readFile(join(folder.path, 'source')), bytes);
  }
  assert.deepEqual(await readdir(tempPath), []);
});

test('nothing is left of a media that cannot be read to its end', async (t) => {
  const tempPath = await makeFolder(t);
  const controller = new AbortController();
  const breaking = {
    sizeBytes: 100,
    async *read() {
      yield Buffer.alloc(10);
      throw new RangeError('The disk is broken');
    },
  };
  await assert.rejects(openSourceFolder(tempPath, breaking, controller.signal), RangeError);
  controller.abort(new Error('The client has left'));
  const left = openSourceFolder(tempPath, playObject(Buffer.alloc(10)), controller.signal);
  await assert.rejects(left, { message: 'The client has left' });
  assert.deepEqual(await readdir(tempPath), []);
  await assert.rejects(openSourceFolder(join(tempPath, 'missing'), breaking, t.signal), Unavailable);
});

test('folders that a killed process has left behind are removed when they are old, and nothing else', async (t) => {
  const tempPath = await makeFolder(t);
  const lines: string[] = [];
  const output = (line: string) => void lines.push(line);
  const { log } = openLog({ level: 'info', colors: false, json: false, directory: '-', now: Date.now, output });
  for (const name of ['vitrine-source-old', 'vitrine-source-new', 'of-others']) {
    await mkdir(join(tempPath, name));
    await writeFile(join(tempPath, name, 'source'), '');
  }
  for (const name of ['vitrine-source-old', 'of-others']) await utimes(join(tempPath, name), 1, 1);
  await removeAbandonedFolders(tempPath, Date.now, log);
  assert.deepEqual((await readdir(tempPath)).sort(), ['of-others', 'vitrine-source-new']);
  assert.deepEqual(lines, []);
  await removeAbandonedFolders(join(tempPath, 'missing'), Date.now, log);
  assert.match(lines.join(''), /is in trouble/);
});
