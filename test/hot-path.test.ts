import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { test } from 'node:test';
import { startWithUsers } from './client.ts';
import { makePng } from './pictures.ts';
import { pathOf, uploadBytes } from './service.ts';

test('what has just been asked for costs no call to the homeserver, no query and no file', async (t) => {
  const { ask, homeserver, media, path } = await startWithUsers(t, { accessTokens: { maxCacheTimeSeconds: 60 } });
  const headers = { authorization: `Bearer ${homeserver.addUser('alice')}` };
  const picture = await makePng({ width: 200, height: 200 });
  const uri = await uploadBytes(
    (url, init) => ask(url, { ...init, headers: { ...init.headers, ...headers } }),
    picture,
    {
      type: 'image/png',
    },
  );
  const hot = [pathOf(uri), `${pathOf(uri, 'thumbnail')}?width=96&height=96&method=crop`];
  const get = async (url: string) => {
    const answer = await ask(url, { headers });
    assert.equal(answer.status, 200);
    return Buffer.from(await answer.arrayBuffer());
  };
  const first = await Promise.all(hot.map(get));

  // What is gone cannot be read: neither the files, nor the tables, nor the homeserver are there any more.
  const { rm } = await import('node:fs/promises');
  await rm(media, { recursive: true });
  const { DatabaseSync } = await import('node:sqlite');
  using database = new DatabaseSync(`${path}/vitrine.db`);
  database.exec('ALTER TABLE media RENAME TO media_gone; ALTER TABLE thumbnails RENAME TO thumbnails_gone');
  homeserver.suffer('silent');
  const asked = homeserver.requests.length;
  for (let round = 0; round < 5; round += 1) assert.deepEqual(await Promise.all(hot.map(get)), first);
  assert.equal(homeserver.requests.length, asked);
  database.exec('ALTER TABLE media_gone RENAME TO media; ALTER TABLE thumbnails_gone RENAME TO thumbnails');
});

test('a large file that is read again and again is opened once', { skip: process.platform !== 'linux' }, async (t) => {
  const { askAs, media } = await startWithUsers(t);
  const uri = await uploadBytes((url, init) => askAs('alice', url, init), Buffer.alloc(1_000_000));
  const openFiles = async () => {
    const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
    return (await Promise.all(links)).filter((path) => path.startsWith(media));
  };
  const get = async () => (await (await askAs('alice', pathOf(uri))).arrayBuffer()).byteLength;
  assert.equal(await get(), 1_000_000);
  const before = await openFiles();
  assert.equal(before.length, 1);
  assert.deepEqual(await Promise.all(Array.from({ length: 8 }, get)), Array(8).fill(1_000_000));
  assert.deepEqual(await openFiles(), before);
});

test('when content was last used is written down at the latest when the service stops', async (t) => {
  const service = await startWithUsers(t);
  const uri = await uploadBytes((url, init) => service.askAs('alice', url, init), Buffer.from('hello'));
  const { DatabaseSync } = await import('node:sqlite');
  const lastAccess = () => {
    using database = new DatabaseSync(`${service.path}/vitrine.db`, { readOnly: true });
    return Number(database.prepare('SELECT last_access_ts FROM last_access').get()?.['last_access_ts']);
  };
  const uploaded = lastAccess();
  while (Date.now() <= uploaded) await new Promise((resolve) => void setTimeout(resolve, 1));
  assert.equal((await service.askAs('alice', pathOf(uri))).status, 200);
  await service.stop();
  assert.ok(lastAccess() > uploaded);
});
