import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { errorOf } from './client.ts';
import { cornersOf, makePng, rgbAt, sizeOf, UPRIGHT } from './pictures.ts';
import { findProcessesIn, skipWithoutPrograms } from './programs.ts';
import { makePdf, makeSound, makeVideo, makeWav } from './recordings.ts';
import { ENGINES, pathOf, startTestService, uploadBytes } from './service.ts';

const skip = skipWithoutPrograms();
const [engine] = ENGINES;
const types = ['image/png', 'video/mp4', 'audio/mpeg', 'audio/wav', 'application/pdf'];
const tone = { seconds: 1, channels: [(seconds: number) => Math.sin(2000 * seconds)] };

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-media-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with scripts in place of ffmpeg and ffprobe. @param work what they do when they are to work */
async function playPrograms(t: TestContext, work: string): Promise<string> {
  const folder = await makeFolder(t);
  for (const name of ['ffmpeg', 'ffprobe']) {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\nif [ "$1" = -version ]; then echo version 1.0; exit; fi\n${work}\n`);
    await chmod(path, 0o755);
  }
  return folder;
}

for (const [what, type, make, contentType, name, look] of [
  [
    'video',
    'video/mp4',
    () => makeVideo('mp4', { width: 400, height: 200 }),
    'image/jpeg',
    'thumbnail.jpg',
    async (picture: Buffer) => assert.deepEqual(await cornersOf(picture), UPRIGHT),
  ],
  [
    'PDF',
    'application/pdf',
    async () => makePdf({ width: 400, height: 200 }),
    'image/png',
    'thumbnail.png',
    async (picture: Buffer) => assert.deepEqual(await cornersOf(picture), UPRIGHT),
  ],
  [
    'sound with a cover',
    'audio/mpeg',
    async () => await makeSound('mp3', tone, await makePng({ width: 90, height: 90 })),
    'image/png',
    'thumbnail.png',
    async (picture: Buffer) => {
      assert.deepEqual(await sizeOf(picture), { width: 320, height: 240 });
      assert.deepEqual(await rgbAt(picture, 2, 2), [41, 57, 92]);
    },
  ],
] as const) {
  test(`a ${what} has thumbnails, which are made once`, { skip }, async (t) => {
    const tempPath = await makeFolder(t);
    const service = await startTestService(t, engine, { thumbnails: { types, tempPath } });
    const uri = await uploadBytes(service.ask, await make(), { type });
    const path = `${pathOf(uri, 'thumbnail')}?width=300&height=200`;
    const first = await service.ask(path);
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('content-type'), contentType);
    assert.equal(first.headers.get('content-disposition'), `inline; filename=${name}`);
    await look(Buffer.from(await first.arrayBuffer()));
    const second = await service.ask(path);
    assert.equal(second.headers.get('etag'), first.headers.get('etag'));
    const cropped = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96&method=crop`);
    assert.deepEqual(await sizeOf(Buffer.from(await cropped.arrayBuffer())), { width: 96, height: 96 });
    assert.deepEqual(await readdir(tempPath), []);
  });
}

test('a video that is smaller than its thumbnail is never sent in place of it', { skip }, async (t) => {
  const service = await startTestService(t, engine, { thumbnails: { types } });
  const uri = await uploadBytes(service.ask, await makeVideo('mp4', { width: 64, height: 32 }), { type: 'video/mp4' });
  const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=320&height=240&animated=true`);
  assert.equal(answer.headers.get('content-type'), 'image/jpeg');
  assert.deepEqual(await sizeOf(Buffer.from(await answer.arrayBuffer())), { width: 64, height: 32 });
});

test('the type that a file claims decides whether it may have a thumbnail, its first bytes what is made of it', {
  skip,
}, async (t) => {
  const service = await startTestService(t, engine, { thumbnails: { types: ['image/png', 'audio/wav'] } });
  const wav = await uploadBytes(service.ask, makeWav(tone), { type: 'image/png' });
  const drawn = await service.ask(`${pathOf(wav, 'thumbnail')}?width=96&height=96`);
  assert.deepEqual(await sizeOf(Buffer.from(await drawn.arrayBuffer())), { width: 96, height: 96 });
  const picture = await makePng({ width: 40, height: 20 });
  const png = await uploadBytes(service.ask, picture, { type: 'audio/wav' });
  const same = await service.ask(`${pathOf(png, 'thumbnail')}?width=96&height=96`);
  assert.deepEqual(Buffer.from(await same.arrayBuffer()), picture);
  const unlisted = await uploadBytes(service.ask, makeWav({ ...tone, seconds: 2 }), { type: 'audio/x-wav' });
  const refused = await service.ask(`${pathOf(unlisted, 'thumbnail')}?width=96&height=96`);
  assert.deepEqual(await errorOf(refused), { status: 400, errcode: 'M_UNKNOWN' });
});

test('a video that claims to be a picture reaches no program where no video is listed', { skip }, async (t) => {
  const marks = join(await makeFolder(t), 'marks');
  const programs = await playPrograms(t, `echo called >>${marks}`);
  for (const [listed, called] of [
    [['image/png', 'application/pdf'], false],
    [['image/png', 'video/mp4'], true],
  ] as const) {
    const service = await startTestService(t, engine, { thumbnails: { types: listed } }, programs);
    const uri = await uploadBytes(service.ask, await makeVideo('mp4', { width: 400, height: 200 }), {
      type: 'image/png',
    });
    const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`);
    assert.deepEqual(await errorOf(answer), { status: 400, errcode: 'M_UNKNOWN' });
    assert.equal(
      await readFile(marks).then(
        () => true,
        () => false,
      ),
      called,
    );
  }
});

test('without the programs, listed types have no thumbnails, and all else works', async (t) => {
  const service = await startTestService(t, engine, { thumbnails: { types } }, await makeFolder(t));
  for (const [type, bytes] of [
    ['audio/wav', makeWav(tone)],
    ['application/pdf', makePdf({ width: 10, height: 10 })],
  ] as const) {
    const uri = await uploadBytes(service.ask, bytes, { type });
    const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`);
    assert.deepEqual(await errorOf(answer), { status: 400, errcode: 'M_UNKNOWN' });
    assert.equal((await service.ask(pathOf(uri))).status, 200);
  }
});

test('no program and no folder is left over when a client leaves', async (t) => {
  const tempPath = await makeFolder(t);
  const programs = await playPrograms(t, 'sleep 600 & exec sleep 600');
  const service = await startTestService(t, engine, { thumbnails: { types, tempPath } }, programs);
  const uri = await uploadBytes(service.ask, makeWav(tone), { type: 'audio/wav' });
  const leaving = new AbortController();
  const asked = service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`, { signal: leaving.signal });
  asked.catch(() => undefined);
  while ((await findProcessesIn(tempPath)).length < 2) await setImmediate();
  assert.equal((await readdir(tempPath)).length, 1);
  leaving.abort();
  await assert.rejects(asked);
  while ((await readdir(tempPath)).length > 0) await setImmediate();
  assert.deepEqual(await findProcessesIn(tempPath), []);
});

test('no program and no folder is left over when the service is stopped', async (t) => {
  const tempPath = await makeFolder(t);
  const programs = await playPrograms(t, 'exec sleep 600');
  const service = await startTestService(t, engine, { thumbnails: { types, tempPath } }, programs);
  const uri = await uploadBytes(service.ask, makeWav(tone), { type: 'audio/wav' });
  const leaving = new AbortController();
  const asked = service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`, { signal: leaving.signal });
  asked.catch(() => undefined);
  while ((await findProcessesIn(tempPath)).length < 1) await setImmediate();
  const stopped = service.stop();
  leaving.abort();
  await stopped;
  assert.deepEqual([await findProcessesIn(tempPath), await readdir(tempPath)], [[], []]);
});

test('a program that is killed costs one answer, and what it was doing is not tried again soon', async (t) => {
  const folder = await makeFolder(t);
  const programs = await playPrograms(t, `echo called >>${folder}/calls; kill -KILL $$`);
  const service = await startTestService(t, engine, { thumbnails: { types } }, programs);
  const uri = await uploadBytes(service.ask, makeWav(tone), { type: 'audio/wav' });
  for (let round = 0; round < 2; round += 1) {
    const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`);
    assert.deepEqual(await errorOf(answer), { status: 400, errcode: 'M_UNKNOWN' });
  }
  assert.equal(await readFile(`${folder}/calls`, 'utf8'), 'called\n');
});

test('a folder for temporary files that is not there is a trouble of the server, not of the file', {
  skip,
}, async (t) => {
  const tempPath = join(await makeFolder(t), 'missing');
  const service = await startTestService(t, engine, { thumbnails: { types, tempPath } });
  const uri = await uploadBytes(service.ask, makeWav(tone), { type: 'audio/wav' });
  const answer = await service.ask(`${pathOf(uri, 'thumbnail')}?width=96&height=96`);
  assert.deepEqual(await errorOf(answer), { status: 503, errcode: 'M_UNKNOWN' });
});

test('a video has a blurhash where blurhashes are enabled', { skip }, async (t) => {
  const service = await startTestService(t, engine, {
    thumbnails: { types },
    featureSupport: { MSC2448: { enabled: true } },
  });
  const uri = await uploadBytes(service.ask, await makeVideo('mp4', { width: 400, height: 200 }), {
    type: 'video/mp4',
  });
  const path = `/_matrix/media/unstable/xyz.amorgan/download/${uri.slice('mxc://'.length)}/blurhash`;
  const answer = (await (await service.ask(path)).json()) as Record<string, string>;
  assert.match(answer['xyz.amorgan.blurhash'] ?? '', /^.{28}$/);
});
