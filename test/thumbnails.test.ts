import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import { openServiceDatabase } from './database/open.ts';
import { animationOf, cornersOf, makeAvif, makeGif, makeJpeg, makePng, makeSvg, makeWebp, sizeOf } from './pictures.ts';
import { ENGINES, listObjects, pathOf, startServiceIn, startTestService, uploadBytes } from './service.ts';

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
const errcodeOf = async (response: Response) => ((await response.json()) as { errcode: string }).errcode;

for (const engine of ENGINES) {
  const { skip } = engine;
  const on = `on ${engine.name}: `;

  for (const [format, make, type, answered] of [
    ['JPEG', makeJpeg, 'image/jpeg', 'image/jpeg'],
    ['PNG', makePng, 'image/png', 'image/png'],
    ['GIF', makeGif, 'image/gif', 'image/png'],
    ['WebP', makeWebp, 'image/webp', 'image/jpeg'],
    ['AVIF', makeAvif, 'image/avif', 'image/jpeg'],
  ] as const) {
    test(`${on}a ${format} has thumbnails of both methods, inline and under a fitting name`, { skip }, async (t) => {
      const service = await startTestService(t, engine);
      const uri = await uploadBytes(service.ask, await make({ width: 640, height: 320 }), { type });
      const scaled = await service.ask(`${pathOf(uri, 'thumbnail')}?width=200&height=200&method=scale`);
      assert.equal(scaled.status, 200);
      assert.equal(scaled.headers.get('content-type'), answered);
      assert.match(scaled.headers.get('content-disposition') ?? '', /^inline; filename=thumbnail\.(png|jpg)$/);
      assert.deepEqual(await sizeOf(await bytesOf(scaled)), { width: 320, height: 160 });
      const cropped = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96&method=crop`);
      assert.deepEqual(await sizeOf(await bytesOf(cropped)), { width: 96, height: 96 });
    });
  }

  test(`${on}a thumbnail is made once: the second asker gets the stored one, also under another URI`, {
    skip,
  }, async (t) => {
    const service = await startTestService(t, engine);
    const picture = await makePng({ width: 400, height: 400 });
    const uris = [
      await uploadBytes(service.ask, picture, { type: 'image/png', name: 'a' }),
      await uploadBytes(service.ask, picture, { type: 'image/png', name: 'b' }),
    ];
    const answers = await Promise.all(
      [...uris, ...uris].map((uri) => service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`)),
    );
    assert.equal(new Set(answers.map((answer) => answer.headers.get('etag'))).size, 1);
    assert.equal((await listObjects(service)).length, 2); // the picture and one thumbnail
  });

  test(`${on}a moving and a still thumbnail of one animation are kept beside each other`, { skip }, async (t) => {
    const service = await startTestService(t, engine, { thumbnails: { types: ['image/gif'], stillFrame: 0 } });
    const uri = await uploadBytes(service.ask, await makeGif({ width: 400, height: 400, frames: 3 }), {
      type: 'image/gif',
    });
    const framesOf = async (query: string) =>
      (await animationOf(await bytesOf(await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96${query}`))))
        .frames;
    for (let round = 0; round < 2; round += 1) {
      assert.equal(await framesOf('&animated=true'), 3);
      assert.equal(await framesOf(''), 1);
    }
  });

  for (const [what, options] of [
    ['moves where no animations are allowed', { allowAnimated: false, defaultAnimated: true }],
    ['is made of a file that is too large to move', { maxAnimateSizeBytes: 10 }],
  ] as const) {
    test(`${on}no thumbnail ${what}`, { skip }, async (t) => {
      const service = await startTestService(t, engine, { thumbnails: { types: ['image/gif'], ...options } });
      const uri = await uploadBytes(service.ask, await makeGif({ width: 400, height: 400, frames: 3 }), {
        type: 'image/gif',
      });
      const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96&animated=true`);
      assert.equal(answer.headers.get('content-type'), 'image/png');
    });
  }

  test(`${on}thumbnails move without being asked where that is the default`, { skip }, async (t) => {
    const thumbnails = { types: ['image/webp', 'image/png'], defaultAnimated: true };
    const service = await startTestService(t, engine, { thumbnails });
    const webp = await uploadBytes(service.ask, await makeWebp({ width: 400, height: 400, frames: 3 }), {
      type: 'image/webp',
    });
    const moving = await service.ask(`${pathOf(webp, 'thumbnail')}?width=96&height=96`);
    assert.equal((await animationOf(await bytesOf(moving))).frames, 3);
    const png = await uploadBytes(service.ask, await makePng({ width: 400, height: 400 }), { type: 'image/png' });
    const still = await service.ask(`${pathOf(png, 'thumbnail')}?width=96&height=96`);
    assert.equal(still.headers.get('content-type'), 'image/png');
  });

  test(`${on}clients that name a preferred type get it, and the others what they always got`, { skip }, async (t) => {
    const service = await startTestService(t, engine, {
      thumbnails: { types: ['image/jpeg', 'image/png'], preferredTypes: ['image/avif', 'image/webp'] },
    });
    const uris = [
      await uploadBytes(service.ask, await makeJpeg({ width: 640, height: 320 }), { type: 'image/jpeg' }),
      await uploadBytes(service.ask, await makePng({ width: 640, height: 320, alpha: true }), { type: 'image/png' }),
    ];
    const [jpeg = '', png = ''] = uris;
    for (let round = 0; round < 2; round += 1) {
      for (const [uri, usual] of [
        [jpeg, 'image/jpeg'],
        [png, 'image/png'],
      ] as const) {
        for (const [accept, type] of [
          ['image/webp,*/*', 'image/webp'],
          ['image/webp,image/avif', 'image/avif'],
          ['image/avif;q=0, image/*', usual],
          ['*/*', usual],
        ] as const) {
          const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=320&height=240`, { headers: { accept } });
          assert.equal(answer.headers.get('content-type'), type, accept);
          assert.equal(answer.headers.get('vary'), 'Accept');
          const extension = type === 'image/jpeg' ? 'jpg' : type.slice('image/'.length);
          assert.equal(answer.headers.get('content-disposition'), `inline; filename=thumbnail.${extension}`);
          const bytes = await bytesOf(answer);
          assert.deepEqual(await sizeOf(bytes), { width: 320, height: 160 });
          if (uri === png) assert.equal((await cornersOf(bytes)).at(-1), 'transparent');
        }
      }
    }
    // What matrix-media-repo would serve, if the operator went back to it.
    await service.stop();
    const database = await openServiceDatabase(t, service);
    const stored = await database.db.selectFrom('thumbnails').select('content_type').orderBy('content_type').execute();
    assert.deepEqual(stored, [{ content_type: 'image/jpeg' }, { content_type: 'image/png' }]);
  });

  test(`${on}a thumbnail in a preferred type is made once, also for another URI, and again when it is lost`, {
    skip,
  }, async (t) => {
    const thumbnails = { types: ['image/png'], preferredTypes: ['image/webp'] };
    const service = await startTestService(t, engine, { thumbnails });
    const picture = await makePng({ width: 400, height: 400 });
    const uris = [
      await uploadBytes(service.ask, picture, { type: 'image/png', name: 'a' }),
      await uploadBytes(service.ask, picture, { type: 'image/png', name: 'b' }),
    ];
    const askFor = async (uri: string, { ask } = service) =>
      await bytesOf(await ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`, { headers: { accept: 'image/webp' } }));
    const before = await listObjects(service);
    const [first = Buffer.alloc(0), ...others] = await Promise.all([...uris, ...uris].map((uri) => askFor(uri)));
    for (const other of others) assert.ok(other.equals(first));
    const made = (await listObjects(service)).filter((name) => !before.includes(name));
    assert.equal(made.length, 1);
    await rm(join(service.media, made[0] ?? ''));
    await service.stop();
    const again = await startServiceIn(t, service);
    for (const uri of uris) assert.ok((await askFor(uri, again)).equals(first));
    assert.equal((await listObjects(service)).length, 2);
  });

  test(`${on}equal thumbnails of different files are one object`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const pixels = sharp(await makePng({ width: 400, height: 400 }));
    for (const compressionLevel of [1, 9]) {
      const uri = await uploadBytes(service.ask, await pixels.clone().png({ compressionLevel }).toBuffer(), {
        type: 'image/png',
      });
      assert.equal((await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`)).status, 200);
    }
    assert.equal((await listObjects(service)).length, 3); // two pictures and one thumbnail
  });

  test(`${on}a thumbnail whose object is lost is made again`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const uri = await uploadBytes(service.ask, await makePng({ width: 400, height: 400 }), { type: 'image/png' });
    const before = await listObjects(service);
    const path = `${pathOf(uri, 'thumbnail')}?width=96&height=96`;
    const first = await bytesOf(await service.ask(path));
    const made = (await listObjects(service)).filter((name) => !before.includes(name));
    assert.equal(made.length, 1);
    await rm(join(service.media, made[0] ?? ''));
    await service.stop();
    const again = await startServiceIn(t, service);
    assert.ok((await bytesOf(await again.ask(path))).equals(first));
  });
}

const [sqlite] = ENGINES;

test('a small picture is sent as it is, never larger', async (t) => {
  const service = await startTestService(t, sqlite);
  const picture = await makeJpeg({ width: 20, height: 10 });
  const uri = await uploadBytes(service.ask, picture, { type: 'image/jpeg' });
  const response = await service.ask(`${pathOf(uri, 'thumbnail')}?width=800&height=600`);
  assert.ok((await bytesOf(response)).equals(picture));
});

test('what is no picture, or none that is allowed, is 400 M_UNKNOWN', async (t) => {
  const service = await startTestService(t, sqlite);
  for (const [type, bytes] of [
    ['text/plain', Buffer.from('a text')],
    ['image/png', Buffer.from('not a picture at all')],
    ['image/png', makeSvg({ width: 200, height: 200 })],
  ] as const) {
    const uri = await uploadBytes(service.ask, Buffer.from(bytes), { type });
    const response = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`);
    assert.deepEqual([response.status, await errcodeOf(response)], [400, 'M_UNKNOWN']);
  }
});

test('a picture with too many pixels or bytes is 413', async (t) => {
  const service = await startTestService(t, sqlite, {
    thumbnails: { maxPixels: 10_000, maxSourceBytes: 100_000, types: ['image/png'] },
  });
  const many = await uploadBytes(service.ask, await makePng({ width: 100, height: 100 }), { type: 'image/png' });
  const large = await uploadBytes(service.ask, Buffer.alloc(100_001), { type: 'image/png' });
  for (const uri of [many, large]) {
    const response = await service.ask(`${pathOf(uri, 'thumbnail')}?width=32&height=32`);
    assert.deepEqual([response.status, await errcodeOf(response)], [413, 'M_TOO_LARGE']);
  }
});

test('a request for a thumbnail that makes no sense is 400 and says which parameter', async (t) => {
  const service = await startTestService(t, sqlite);
  const uri = await uploadBytes(service.ask, await makePng({ width: 100, height: 100 }), { type: 'image/png' });
  for (const [query, errcode, name] of [
    ['', 'M_MISSING_PARAM', 'width'],
    ['width=10', 'M_MISSING_PARAM', 'height'],
    ['width=x&height=10', 'M_UNKNOWN', 'width'],
    ['width=10&height=0', 'M_UNKNOWN', 'height'],
    ['width=-5&height=10', 'M_UNKNOWN', 'width'],
    ['width=10&height=10&method=stretch', 'M_INVALID_PARAM', 'method'],
  ] as const) {
    const response = await service.ask(`${pathOf(uri, 'thumbnail')}?${query}`);
    const body = (await response.json()) as { errcode: string; error: string };
    assert.deepEqual([response.status, body.errcode], [400, errcode], query);
    assert.ok(body.error.includes(name), body.error);
  }
});

test('answers do not vary where no type is preferred, whatever a client accepts', async (t) => {
  const service = await startTestService(t, sqlite);
  const uri = await uploadBytes(service.ask, await makeJpeg({ width: 400, height: 300 }), { type: 'image/jpeg' });
  const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`, {
    headers: { accept: 'image/webp,image/avif' },
  });
  assert.equal(answer.headers.get('content-type'), 'image/jpeg');
  assert.equal(answer.headers.get('vary'), null);
});

test('a preferred type changes nothing about what moves, and about what is sent as it is', async (t) => {
  const thumbnails = { types: ['image/gif', 'image/jpeg'], preferredTypes: ['image/avif'] };
  const service = await startTestService(t, sqlite, { thumbnails });
  const ask = async (uri: string, query: string) =>
    await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96${query}`, { headers: { accept: 'image/avif' } });
  const gif = await uploadBytes(service.ask, await makeGif({ width: 400, height: 400, frames: 3 }), {
    type: 'image/gif',
  });
  assert.equal((await ask(gif, '&animated=true')).headers.get('content-type'), 'image/webp');
  assert.equal((await ask(gif, '&animated=false')).headers.get('content-type'), 'image/avif');
  const small = await uploadBytes(service.ask, await makeJpeg({ width: 40, height: 40 }), { type: 'image/jpeg' });
  assert.equal((await ask(small, '')).headers.get('content-type'), 'image/jpeg');
});
