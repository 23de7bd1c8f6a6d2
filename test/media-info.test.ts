import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { errorOf, mediaPathOf, type ServedUsers, startWithUsers, uploadAsAlice } from './client.ts';
import { makeJpeg } from './pictures.ts';
import { skipWithoutPrograms } from './programs.ts';
import { makeVideo, makeWav } from './recordings.ts';
import { pathOf } from './service.ts';

const PREFIX = '/_matrix/media/unstable';
const infoPath = (uri: string) => `${PREFIX}/info/${mediaPathOf(uri)}`;

const upload = (service: ServedUsers, bytes: Uint8Array, type: string) => uploadAsAlice(service, bytes, { type });

for (const prefix of [PREFIX, `${PREFIX}/io.t2bot.media`]) {
  test(`below ${prefix}, users learn about a picture, its upright size and its thumbnails included`, async (t) => {
    const service = await startWithUsers(t, { featureSupport: { MSC2448: { enabled: true } } });
    const jpeg = await makeJpeg({ width: 600, height: 300, orientation: 6 });
    const content_uri = await upload(service, jpeg, 'image/jpeg');
    const about = {
      content_uri,
      content_type: 'image/jpeg',
      size: jpeg.length,
      hashes: { sha256: createHash('sha256').update(jpeg).digest('hex') },
      width: 600,
      height: 300,
    };
    const ask = async () => await (await service.askAs('bob', `${prefix}/info/${mediaPathOf(content_uri)}`)).json();
    assert.deepEqual(await ask(), about);

    const thumbnail = await service.askAs('bob', `${pathOf(content_uri, 'thumbnail')}?width=320&height=240`);
    const size = (await thumbnail.arrayBuffer()).byteLength;
    const blurhashPath = `${PREFIX}/xyz.amorgan/download/${mediaPathOf(content_uri)}/blurhash`;
    const blurhash = (await (await service.askAs('bob', blurhashPath)).json()) as object;
    const stored = { width: 320, height: 240, ready: true, content_type: 'image/jpeg', size, animated: false };
    assert.deepEqual(await ask(), { ...about, thumbnails: [stored], ...blurhash });
  });
}

test('of what is no picture that can be decoded there is no size', async (t) => {
  const service = await startWithUsers(t);
  for (const type of ['text/plain', 'image/png']) {
    const uri = await upload(service, Buffer.from('no picture'), type);
    for (let round = 0; round < 2; round += 1) {
      const answer = await service.askAs('bob', infoPath(uri));
      assert.deepEqual(Object.keys((await answer.json()) as object).sort(), [
        'content_type',
        'content_uri',
        'hashes',
        'size',
      ]);
    }
  }
});

test('about a sound and a video, users learn how long they are and what they are like', {
  skip: skipWithoutPrograms(),
}, async (t) => {
  const service = await startWithUsers(t, { thumbnails: { types: ['video/mp4', 'audio/wav'] } });
  const ask = async (uri: string) =>
    (await (await service.askAs('bob', infoPath(uri))).json()) as Record<string, unknown>;
  const wav = makeWav({ seconds: 0.768, sampleRate: 8000, channels: [() => 0.5, () => 0] });
  const sound = await ask(await upload(service, wav, 'audio/wav'));
  const { content_uri, hashes, key_samples, ...about } = sound;
  assert.ok(Array.isArray(key_samples));
  assert.deepEqual([key_samples.length, key_samples[0], key_samples[767]], [768, [0.5, 0], [0.5, 0]]);
  assert.deepEqual(about, {
    content_type: 'audio/wav',
    size: wav.length,
    duration: 0.768,
    num_total_samples: 6144,
    num_channels: 2,
  });
  const video = await makeVideo('mp4', { width: 200, height: 400, turned: true });
  const { duration, width, height } = await ask(await upload(service, video, 'video/mp4'));
  assert.deepEqual([duration, width, height], [1, 200, 400]);
});

test('about sounds that are not listed, or that are none, users learn no more than about other files', async (t) => {
  const service = await startWithUsers(t, { thumbnails: { types: ['image/png', 'application/pdf'] } });
  const wav = makeWav({ seconds: 0.1, channels: [() => 0] });
  for (const bytes of [wav, Buffer.from('no sound')]) {
    const answer = await service.askAs('bob', infoPath(await upload(service, bytes, 'audio/wav')));
    const keys = Object.keys((await answer.json()) as object).sort();
    assert.deepEqual(keys, ['content_type', 'content_uri', 'hashes', 'size']);
  }
});

test('about media, only those with a token learn, and only what can be true', async (t) => {
  const service = await startWithUsers(t);
  const uri = await upload(service, Buffer.from('text'), 'text/plain');
  assert.deepEqual(await errorOf(await service.askOpenly(infoPath(uri))), { status: 401, errcode: 'M_MISSING_TOKEN' });
  const missing = `${infoPath('mxc://example.org/missing')}?timeout_ms=0`;
  assert.deepEqual(await errorOf(await service.askAs('bob', missing)), { status: 404, errcode: 'M_NOT_FOUND' });
  const nonsense = `${infoPath(uri)}?allow_remote=perhaps`;
  assert.deepEqual(await errorOf(await service.askAs('bob', nonsense)), { status: 400, errcode: 'M_INVALID_PARAM' });
});
