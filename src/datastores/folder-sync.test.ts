import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFolderSync } from './folder-sync.ts';

test('folders are made durable together with those above them, by any number at once, and again later', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'vitrine-sync-'));
  t.after(() => rm(root, { recursive: true }));
  const folders = createFolderSync(root);
  const deep = join(root, 'aa', 'bb');
  await mkdir(deep, { recursive: true });
  await Promise.all(Array.from({ length: 20 }, () => folders.sync(deep)));
  await folders.sync(deep);
});

test('a folder that cannot be synced fails those who asked, and the next one tries again', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'vitrine-sync-'));
  t.after(() => rm(root, { recursive: true }));
  const folders = createFolderSync(root);
  const missing = join(root, 'aa');
  const asked = await Promise.allSettled([folders.sync(missing), folders.sync(missing)]);
  for (const { status } of asked) assert.equal(status, 'rejected');
  await mkdir(missing);
  await folders.sync(missing);
});
