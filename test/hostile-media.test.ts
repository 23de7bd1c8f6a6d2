import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pino from 'pino';
import { defaultConfig } from '../src/config/index.ts';
import { BadRequest, TooLarge } from '../src/matrix/index.ts';
import { createExtractor, createThumbnailer, findNeededPrograms, openPictureSource } from '../src/thumbnails/index.ts';
import { MEDIA_BOMBS } from './bombs.ts';
import { flipBits, makePng, truncate } from './pictures.ts';
import { playObject } from './played-media.ts';
import { skipWithoutPrograms } from './programs.ts';
import { makePdf, makeSound, makeVideo, makeWav } from './recordings.ts';

const skip = skipWithoutPrograms();
const log = pino({ enabled: false });
const { signal } = new AbortController();
const types = ['video/mp4', 'audio/mpeg', 'application/pdf'];
const domain = { thumbnails: { ...defaultConfig().thumbnails, types } };
const size = { width: 96, height: 96 };
const tempPath = await mkdtemp(join(tmpdir(), 'vitrine-hostile-'));
const programs = await findNeededPrograms(types, process.env['PATH'] ?? '', log, signal);
const extractor = createExtractor({ programs, log, tempPath, maxRunMs: 20_000 });
const thumbnailer = createThumbnailer({ log, maxWorkers: 1 });
after(async () => {
  await extractor[Symbol.asyncDispose]();
  await thumbnailer[Symbol.asyncDispose]();
  await rm(tempPath, { recursive: true, force: true });
});

/** @returns how it ended; afterwards nothing may be left over */
async function tryThumbnail(bytes: Buffer): Promise<string> {
  try {
    const wanted = { size, method: 'scale', animated: false, stillFrame: 0 } as const;
    const { source, limits } = await openPictureSource(extractor, playObject(bytes), wanted, domain, signal);
    const { kind } = await thumbnailer.render(source, { ...wanted, ...limits }, signal);
    return kind;
  } catch (error) {
    return error instanceof BadRequest || error instanceof TooLarge ? 'refused' : String(error);
  } finally {
    assert.deepEqual(await readdir(tempPath), []);
  }
}

const shape = { width: 96, height: 64, frames: ['upright', 'upside down', 'upright'] } as const;
const tone = { seconds: 0.3, channels: [(seconds: number) => Math.sin(2000 * seconds)] };
const sound: Readonly<Record<string, () => Promise<Buffer>>> = {
  MP4: () => makeVideo('mp4', shape),
  WebM: () => makeVideo('webm', shape),
  'MP3 with a cover': async () => await makeSound('mp3', tone, await makePng({ width: 40, height: 40 })),
  FLAC: () => makeSound('flac', tone),
  Opus: () => makeSound('opus', tone),
  WAV: async () => makeWav(tone),
  PDF: async () => makePdf({ width: 100, height: 100 }),
};

for (const [format, make] of Object.entries(sound)) {
  test(`${format}: what breaks off anywhere is answered or refused`, { skip }, async () => {
    const bytes = await make();
    assert.equal(await tryThumbnail(bytes), 'picture');
    for (let tenths = 0; tenths < 10; tenths += 1) {
      assert.match(await tryThumbnail(truncate(bytes, tenths / 10)), /^(picture|refused)$/, `${tenths} tenths`);
    }
  });

  test(`${format}: what has flipped bits is answered or refused`, { skip }, async () => {
    const bytes = await make();
    for (let seed = 1; seed <= 8; seed += 1) {
      assert.match(await tryThumbnail(flipBits(bytes, seed, 2 * seed)), /^(picture|refused)$/, `seed ${seed}`);
    }
  });
}

test('a playlist is not followed, whatever it says it is, and whatever reads it', { skip }, async (t) => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  const secret = join(await mkdtemp(join(tmpdir(), 'vitrine-secret-')), 'sound.wav');
  t.after(() => rm(join(secret, '..'), { recursive: true }));
  await writeFile(secret, makeWav({ seconds: 1, channels: [() => 1] }));
  const references = [`http://127.0.0.1:${port}/a`, `file://${secret}`, secret, '/dev/zero'];
  const playlists = references.flatMap((reference) => [
    `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${reference}\n#EXT-X-ENDLIST\n`,
    `ffconcat version 1.0\nfile '${reference}'\n`,
    `<?xml version="1.0"?><MPD type="static"><Period><BaseURL>${reference}</BaseURL></Period></MPD>`,
  ]);
  const families = ['video', 'audio'] as const;
  const wish = { size, method: 'scale', families, maxPixels: 1_000_000, videoFramePosition: 0 } as const;
  for (const playlist of playlists) {
    assert.equal(await tryThumbnail(Buffer.from(playlist)), 'refused');
  }
  for (const start of ['', '\0\0\0\x10ftypisom\0\0\0\0', '\x1aE\xdf\xa3', 'OggS', 'RIFF\0\0\0\0WAVE', 'ID3']) {
    for (const playlist of playlists.slice(0, 4)) {
      assert.equal(await tryThumbnail(Buffer.from(start + playlist, 'latin1')), 'refused');
    }
  }
  for (const demuxer of ['mov', 'matroska', 'ogg', 'wav', 'flac', 'mp3', 'aac'] as const) {
    const asked = extractor.extractPicture(playObject(Buffer.from(playlists[0] ?? '')), demuxer, wish, signal);
    await assert.rejects(asked, BadRequest);
  }
  assert.equal(requests, 0);
});

for (const [what, make] of Object.entries(MEDIA_BOMBS)) {
  test(`${what} ends in an answer`, { skip }, async () => {
    assert.match(await tryThumbnail(await make()), /^(picture|refused)$/);
  });
}
