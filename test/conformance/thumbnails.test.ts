import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, type ServedUsers, startWithUsers, uploadAsAlice } from '../client.ts';
import { animationOf, makeGif, makeJpeg, makePng, makeSvg, sizeOf } from '../pictures.ts';
import { pathOf } from '../service.ts';

const upload = (service: ServedUsers, bytes: Uint8Array, type: string) => uploadAsAlice(service, bytes, { type });

async function thumbnailOf(service: ServedUsers, uri: string, query: string): Promise<Response> {
  return await service.askAs('alice', `${pathOf(uri, 'thumbnail')}?${query}`);
}

test('TH-1, TH-2, TH-3, TH-4, TH-7, TH-12, TH-13: a picture has thumbnails in the standard sizes, at least as large as asked', async (t) => {
  const service = await startWithUsers(t);
  const uri = await upload(service, await makeJpeg({ width: 1600, height: 1200 }), 'image/jpeg');
  for (const [query, size] of [
    ['width=32&height=32&method=crop', [32, 32]],
    ['width=96&height=96&method=crop', [96, 96]],
    ['width=320&height=240&method=scale', [320, 240]],
    ['width=640&height=480&method=scale', [640, 480]],
    ['width=800&height=600', [800, 600]],
    ['width=300&height=200', [320, 240]],
  ] as const) {
    const answer = await thumbnailOf(service, uri, query);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type') ?? '', /^image\/(jpeg|png)$/);
    assert.match(answer.headers.get('content-disposition') ?? '', /^inline; filename="?thumbnail\.(jpg|png)"?$/);
    const { width, height } = await sizeOf(Buffer.from(await answer.arrayBuffer()));
    assert.deepEqual([width, height], size, query);
  }
});

test('TH-5, TH-6, TH-16: nothing is made larger: small pictures come as they are, and endless sizes are the largest', async (t) => {
  const service = await startWithUsers(t);
  const small = await upload(service, await makePng({ width: 40, height: 20 }), 'image/png');
  for (const query of [
    'width=96&height=96',
    'width=9000000&height=9000000&method=crop',
    'width=99999999999999999999&height=99999999999999999999',
  ]) {
    const answer = await thumbnailOf(service, small, query);
    const { width, height } = await sizeOf(Buffer.from(await answer.arrayBuffer()));
    assert.deepEqual([width, height], [40, 20], query);
  }
});

test('TH-8, TH-10, TH-11: a thumbnail that need not move stands still, also one of a small animation', async (t) => {
  const service = await startWithUsers(t);
  const gif = await upload(service, await makeGif({ width: 40, height: 40, frames: 3 }), 'image/gif');
  for (const query of ['', '&animated=false', '&org.matrix.msc2705.animated=false']) {
    const answer = await thumbnailOf(service, gif, `width=96&height=96${query}`);
    assert.equal((await animationOf(Buffer.from(await answer.arrayBuffer()))).frames, 1, query);
  }
  assert.equal((await thumbnailOf(service, gif, 'width=96&height=96&animated=true')).status, 200);
  assert.equal((await thumbnailOf(service, gif, 'width=96&height=96&animated=maybe')).status, 400);
});

test('TH-8, TH-9, TH-11: a thumbnail that may move does, as a WebP or as the small original', async (t) => {
  const service = await startWithUsers(t);
  const large = await upload(service, await makeGif({ width: 400, height: 400, frames: 3 }), 'image/gif');
  const small = await upload(service, await makeGif({ width: 40, height: 40, frames: 3 }), 'image/gif');
  for (const [uri, type] of [
    [large, 'image/webp'],
    [small, 'image/gif'],
  ] as const) {
    for (const query of ['animated=true', 'org.matrix.msc2705.animated=true']) {
      const answer = await thumbnailOf(service, uri, `width=96&height=96&${query}`);
      assert.equal(answer.headers.get('content-type'), type);
      assert.equal((await animationOf(Buffer.from(await answer.arrayBuffer()))).frames, 3, query);
    }
  }
});

test('TH-14, SEC-5: of a picture with too many pixels or bytes there is no thumbnail', async (t) => {
  const service = await startWithUsers(t, {
    thumbnails: { maxPixels: 10_000, maxSourceBytes: 2000, types: ['image/png', 'image/jpeg'] },
  });
  const pixels = await upload(service, await makePng({ width: 200, height: 100 }), 'image/png');
  assert.deepEqual(await errorOf(await thumbnailOf(service, pixels, 'width=32&height=32')), {
    status: 413,
    errcode: 'M_TOO_LARGE',
  });
  const bytes = await upload(service, Buffer.alloc(2001), 'image/png');
  assert.deepEqual(await errorOf(await thumbnailOf(service, bytes, 'width=32&height=32')), {
    status: 413,
    errcode: 'M_TOO_LARGE',
  });
});

test('TH-15, TH-16, TH-21: requests that make no sense, and media that is no picture, are refused with 400', async (t) => {
  const service = await startWithUsers(t);
  const picture = await upload(service, await makePng({ width: 200, height: 100 }), 'image/png');
  for (const [query, errcode] of [
    ['width=10', 'M_MISSING_PARAM'],
    ['height=10', 'M_MISSING_PARAM'],
    ['width=x&height=10', 'M_UNKNOWN'],
    ['width=-1&height=10', 'M_UNKNOWN'],
    ['width=0&height=10', 'M_UNKNOWN'],
    ['width=10&height=10&method=stretch', 'M_INVALID_PARAM'],
  ] as const) {
    assert.deepEqual(await errorOf(await thumbnailOf(service, picture, query)), { status: 400, errcode }, query);
  }
  for (const [bytes, type] of [
    [Buffer.from('some text'), 'text/plain'],
    [Buffer.alloc(5000, 7), 'application/octet-stream'],
    [Buffer.alloc(5000, 7), 'image/png'],
    [makeSvg({ width: 10, height: 10 }), 'image/svg+xml'],
  ] as const) {
    const uri = await upload(service, bytes, type);
    assert.deepEqual(
      await errorOf(await thumbnailOf(service, uri, 'width=10&height=10')),
      { status: 400, errcode: 'M_UNKNOWN' },
      type,
    );
  }
  const none = await thumbnailOf(service, 'mxc://example.org/none', 'width=10&height=10');
  assert.deepEqual(await errorOf(none), { status: 404, errcode: 'M_NOT_FOUND' });
});
