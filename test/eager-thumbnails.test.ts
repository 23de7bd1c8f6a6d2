import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { makeJpeg } from './pictures.ts';
import { ENGINES, listObjects, pathOf, startTestService, uploadBytes } from './service.ts';

const sizes = [
  { width: 32, height: 32 },
  { width: 320, height: 240 },
];
const thumbnails = { types: ['image/jpeg'], sizes, generateAtUpload: true };
const QUERIES = ['width=32&height=32&method=crop', 'width=320&height=240&method=scale'];

for (const engine of ENGINES) {
  test(`on ${engine.name}: an upload has its thumbnails before anybody asks, whichever way it came`, {
    skip: engine.skip,
  }, async (t) => {
    const service = await startTestService(t, engine, { thumbnails });
    const posted = await uploadBytes(service.ask, await makeJpeg({ width: 640, height: 480 }), { type: 'image/jpeg' });
    const created = await service.ask('/_matrix/media/v1/create', { method: 'POST' });
    const { content_uri } = (await created.json()) as { content_uri: string };
    const put = await service.ask(`/_matrix/media/v3/upload/${content_uri.slice('mxc://'.length)}`, {
      method: 'PUT',
      headers: { 'content-type': 'image/jpeg' },
      body: new Uint8Array(await makeJpeg({ width: 480, height: 640 })),
    });
    assert.equal(put.status, 200);
    const all = 2 + 2 * sizes.length;
    while ((await listObjects(service)).length < all) await setImmediate();

    for (const uri of [posted, content_uri]) {
      for (const query of QUERIES) {
        assert.equal((await service.ask(`${pathOf(uri, 'thumbnail')}?${query}`)).status, 200);
      }
    }
    assert.equal((await listObjects(service)).length, all);
  });
}

test('a service that stops does not wait for thumbnails that nobody has asked for', async (t) => {
  const [sqlite] = ENGINES;
  const service = await startTestService(t, sqlite, { thumbnails: { ...thumbnails, sizes: undefined } });
  for (let width = 2000; width < 2010; width += 1) {
    await uploadBytes(service.ask, await makeJpeg({ width, height: 1500 }), { type: 'image/jpeg' });
  }
  await service.stop();
  assert.ok((await listObjects(service)).length < 10 + 50);
});
