import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cornersOf, makePng, rgbAt, sizeOf, UPRIGHT, UPSIDE_DOWN } from '../../../test/pictures.ts';
import { playObject } from '../../../test/played-media.ts';
import { skipWithoutPrograms } from '../../../test/programs.ts';
import {
  type FrameKind,
  makePdf,
  makeSound,
  makeVideo,
  makeWav,
  type SoundFile,
  type VideoFile,
} from '../../../test/recordings.ts';
import { BadRequest, TooLarge } from '../../matrix/index.ts';
import { openLog } from '../../telemetry/index.ts';
import { type Container, findContainer } from './container.ts';
import { createExtractor, type ExtractorParts, type PictureWish } from './extractor.ts';
import { findPrograms } from './find-programs.ts';

const skip = skipWithoutPrograms();
const { programs } = await findPrograms(process.env['PATH'] ?? '', new AbortController().signal);
const { log } = openLog({ level: 'fatal', colors: false, json: false, directory: '-', now: Date.now });
const WISH: PictureWish = {
  size: { width: 320, height: 240 },
  method: 'scale',
  families: ['video', 'audio', 'document'],
  maxPixels: 32_000_000,
  videoFramePosition: 0.1,
};
const BACKGROUND = [41, 57, 92];
const WAVE = [240, 240, 240];

/** An extractor whose folder has to be empty in the end. */
async function open(t: TestContext, more: Partial<ExtractorParts> = {}) {
  const tempPath = await mkdtemp(join(tmpdir(), 'vitrine-extractor-'));
  const extractor = createExtractor({ programs, log, tempPath, ...more });
  t.after(async () => {
    await extractor[Symbol.asyncDispose]();
    const left = await readdir(tempPath);
    await rm(tempPath, { recursive: true, force: true });
    assert.deepEqual(left, []);
  });
  const containerOf = (bytes: Buffer): Container => {
    const found = findContainer(bytes);
    assert.ok(found !== undefined);
    return found;
  };
  return {
    extract: (bytes: Buffer, wish: Partial<PictureWish> = {}, container = containerOf(bytes)) =>
      extractor.extractPicture(playObject(bytes), container, { ...WISH, ...wish }, t.signal),
    describe: (bytes: Buffer) => extractor.describe(playObject(bytes), containerOf(bytes), WISH.families, t.signal),
  };
}

for (const file of ['mp4', 'mov', 'mkv', 'webm', 'ogv'] as const satisfies VideoFile[]) {
  test(`the picture of a video in ${file} is a frame of it`, { skip }, async (t) => {
    const { extract, describe } = await open(t);
    const frames = [...Array<FrameKind>(9).fill('upright'), 'upside down'] as const;
    const video = await makeVideo(file, { width: 200, height: 100, frames });
    const frame = await extract(video, { videoFramePosition: 0 });
    assert.deepEqual(await sizeOf(frame), { width: 200, height: 100 });
    assert.deepEqual(await cornersOf(frame), UPRIGHT);
    const { duration, ...about } = (await describe(video)) as { readonly duration: number };
    assert.deepEqual(about, { kind: 'video', width: 200, height: 100 });
    assert.ok(Math.abs(duration - 1) < 0.15, `${duration} seconds`);
  });
}

test('a telephone that was held upright has upright pictures', { skip }, async (t) => {
  const { extract, describe } = await open(t);
  const video = await makeVideo('mp4', { width: 100, height: 200, turned: true });
  const frame = await extract(video);
  assert.deepEqual([await sizeOf(frame), await cornersOf(frame)], [{ width: 100, height: 200 }, UPRIGHT]);
  const { width, height } = (await describe(video)) as { readonly width: number; readonly height: number };
  assert.deepEqual([width, height], [100, 200]);
});

for (const [colours, more] of [
  ['BT.601', []],
  ['BT.709', ['-vf', 'scale=out_color_matrix=bt709', '-colorspace', 'bt709']],
  ['the full range', ['-vf', 'scale=out_range=full', '-color_range', 'pc']],
] as const) {
  test(`a video in ${colours} has its right colours`, { skip }, async (t) => {
    const { extract } = await open(t);
    const frame = await extract(await makeVideo('mp4', { width: 200, height: 100, more: ['-crf', '1', ...more] }));
    const near = async (x: number, y: number, colour: readonly number[]) => {
      const rgb = await rgbAt(frame, x, y);
      assert.ok(
        rgb.every((value, index) => Math.abs(value - (colour[index] ?? 0)) <= 6),
        `${rgb} is not ${colour}`,
      );
    };
    await near(50, 25, [230, 20, 20]);
    await near(150, 25, [20, 200, 20]);
    await near(50, 75, [20, 20, 230]);
  });
}

test('the frame is taken at the position that is asked for', { skip }, async (t) => {
  const { extract } = await open(t);
  const frames = Array.from({ length: 30 }, (_, index): FrameKind => (index < 15 ? 'upside down' : 'upright'));
  const video = await makeVideo('mp4', { width: 200, height: 100, frames });
  for (const [videoFramePosition, corners] of [
    [0, UPSIDE_DOWN],
    [0.3, UPSIDE_DOWN],
    [0.7, UPRIGHT],
  ] as const) {
    assert.deepEqual(
      await cornersOf(await extract(video, { videoFramePosition })),
      corners,
      `at ${videoFramePosition}`,
    );
  }
});

test('where a position has no frame, the first one is taken', { skip }, async (t) => {
  const { extract } = await open(t);
  for (const video of [
    await makeVideo('mp4', { width: 200, height: 100, frames: ['upright'] }),
    withEndlessDuration(await makeVideo('mp4', { width: 200, height: 100 })),
  ]) {
    for (const videoFramePosition of [0.1, 1]) {
      assert.deepEqual(await cornersOf(await extract(video, { videoFramePosition })), UPRIGHT);
    }
  }
});

/** Says in all places that it lasts for some 50 days or more. ISO/IEC 14496-12, sections 8.2.2, 8.3.2 and 8.4.2. */
function withEndlessDuration(mp4: Buffer): Buffer {
  const changed = Buffer.from(mp4);
  for (const [box, place] of [
    ['mvhd', 16],
    ['tkhd', 20],
    ['mdhd', 16],
  ] as const) {
    changed.writeUInt32BE(0xffff_fff0, changed.indexOf(box) + 4 + place);
  }
  return changed;
}

test('a large video comes a little larger than its thumbnail, in the ratio that the thumbnail has', {
  skip,
}, async (t) => {
  const { extract } = await open(t);
  const video = await makeVideo('mp4', { width: 1366, height: 768, frames: ['upright'] });
  assert.deepEqual(await sizeOf(await extract(video)), { width: 640, height: 358 }); // of 320×179
  assert.deepEqual(await sizeOf(await extract(video, { method: 'crop' })), { width: 854, height: 480 });
});

test('a video with too many pixels is refused by its header, and by its decoder when the header lies', {
  skip,
}, async (t) => {
  const { extract } = await open(t);
  const video = await makeVideo('mp4', { width: 640, height: 480, frames: ['upright'] });
  await assert.rejects(extract(video, { maxPixels: 640 * 480 }), TooLarge);
  for (const maxPixels of [640 * 480 + 1, 1e12]) assert.ok(await extract(video, { maxPixels }));
  for (const [width, height] of [
    [65_535, 65_535],
    [64, 64],
  ] as const) {
    const lying = withHeader(video, width, height);
    await assert.rejects(
      extract(lying, { maxPixels: 100_000 }),
      (error) => error instanceof TooLarge || error instanceof BadRequest,
    );
  }
});

/** Says that its pictures have that size. ISO/IEC 14496-12, section 12.1.3 (visual sample entries), in the AVC one. */
function withHeader(mp4: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(mp4);
  const entry = changed.indexOf('avc1', changed.indexOf('stsd')) + 4;
  changed.writeUInt16BE(width, entry + 24);
  changed.writeUInt16BE(height, entry + 26);
  return changed;
}

const second = (hertz: number) => (seconds: number) => Math.sin(2 * Math.PI * hertz * seconds);
const loudThenQuiet = (seconds: number) => (seconds < 1 ? 0.8 : -0.3);

for (const file of ['mp3', 'flac', 'ogg', 'opus', 'wav', 'm4a', 'aac', 'mka'] as const satisfies SoundFile[]) {
  test(`a sound in ${file} is drawn and described`, { skip }, async (t) => {
    const { extract, describe } = await open(t);
    const sound = await makeSound(file, { seconds: 2, sampleRate: 48_000, channels: [second(440), second(440)] });
    const picture = await extract(sound);
    assert.deepEqual(await sizeOf(picture), WISH.size);
    assert.deepEqual(await rgbAt(picture, 0, 0), BACKGROUND);
    assert.deepEqual(await rgbAt(picture, 160, 120), WAVE);
    const about = await describe(sound);
    assert.ok(about.kind === 'audio');
    const { duration, samples, channels, keySamples } = about;
    assert.equal(channels, 2);
    assert.ok(Math.abs(duration - 2) < 0.15, `${duration} seconds`);
    assert.equal(samples, Math.round(duration * 48_000));
    assert.ok(keySamples.length > 760 && keySamples.length <= 768);
    const loudest = Math.max(...keySamples.flat());
    assert.ok(loudest > 0.9 && loudest <= 1, `${loudest}`);
  });
}

test('samples are where they belong, as loud as they are, left and right', { skip }, async (t) => {
  const { extract, describe } = await open(t);
  const wav = makeWav({ seconds: 2, channels: [loudThenQuiet, () => 0.1] });
  const about = await describe(wav);
  assert.ok(about.kind === 'audio');
  assert.deepEqual(
    { ...about, keySamples: about.keySamples.length },
    {
      kind: 'audio',
      duration: 2,
      samples: 88_200,
      channels: 2,
      keySamples: 767, // each 115th, which is the nearest to a 768th of all
    },
  );
  const [first = [], last = []] = [about.keySamples[0], about.keySamples.at(-1)];
  for (const [told, played] of [
    [first[0], 0.8],
    [first[1], 0.1],
    [last[0], -0.3],
    [last[1], 0.1],
  ] as const) {
    assert.ok(told !== undefined && Math.abs(told - played) < 0.0001, `${told} is not ${played}`);
  }
  const picture = await extract(wav);
  // 112 pixels are full scale; the means are 0.45 and -0.1. 288 columns from 16 on.
  const columnOf = async (x: number) => {
    const rows = await Promise.all(
      Array.from({ length: 240 }, async (_, y) => ((await rgbAt(picture, x, y))[0] === 240 ? y : -1)),
    );
    return rows.filter((y) => y >= 0);
  };
  const [early, late] = [await columnOf(20), await columnOf(300)];
  assert.deepEqual([early.at(0), early.at(-1)], [70, 120]);
  assert.deepEqual([late.at(0), late.at(-1)], [120, 131]);
});

test('a mono sound is as loud as it is, and of six channels the front ones count', { skip }, async (t) => {
  const { describe } = await open(t);
  const mono = await describe(makeWav({ seconds: 1, channels: [() => 0.5] }));
  const surround = await describe(
    makeWav({ seconds: 1, channels: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6].map((v) => () => v) }),
  );
  assert.ok(mono.kind === 'audio' && surround.kind === 'audio');
  assert.equal(mono.channels, 1);
  assert.deepEqual(
    mono.keySamples[300]?.map((value) => value.toFixed(2)),
    ['0.50', '0.50'],
  );
  assert.equal(surround.channels, 6);
  assert.deepEqual(
    surround.keySamples[300]?.map((value) => value.toFixed(2)),
    ['0.10', '0.20'],
  );
});

for (const file of ['mp3', 'flac', 'm4a'] as const) {
  test(`the cover of a sound in ${file} is drawn beside it`, { skip }, async (t) => {
    const { extract } = await open(t);
    const cover = await makePng({ width: 400, height: 300 });
    const picture = await extract(await makeSound(file, { seconds: 1, channels: [second(440)] }, cover));
    assert.deepEqual(await sizeOf(picture), WISH.size);
    for (const [x, y, colour] of [
      [40, 80, [230, 20, 20]],
      [150, 80, [20, 200, 20]],
      [40, 160, [20, 20, 230]],
      [10, 120, BACKGROUND],
      [180, 120, BACKGROUND],
      [191, 120, WAVE],
    ] as const) {
      const rgb = await rgbAt(picture, x, y);
      assert.ok(
        rgb.every((value, index) => Math.abs(value - (colour[index] ?? 0)) <= 3),
        `${x},${y} is ${rgb}, not ${colour}`,
      );
    }
  });
}

test('a cover with too many pixels is left out', { skip }, async (t) => {
  const { extract } = await open(t);
  const cover = await makePng({ width: 400, height: 300 });
  const sound = await makeSound('mp3', { seconds: 1, channels: [second(440)] }, cover);
  const picture = await extract(sound, { maxPixels: 120_000 });
  assert.deepEqual(await rgbAt(picture, 40, 80), BACKGROUND);
  assert.deepEqual(await rgbAt(picture, 40, 120), WAVE);
});

test('what is listed decides whether the pictures of a video are seen, or its sound is, or nothing', {
  skip,
}, async (t) => {
  const { extract } = await open(t);
  const clip = await makeVideo('mp4', { width: 200, height: 100, withSound: true });
  assert.deepEqual(await cornersOf(await extract(clip)), UPRIGHT);
  assert.deepEqual(await rgbAt(await extract(clip, { families: ['audio'] }), 0, 0), BACKGROUND);
  const silent = await makeVideo('mp4', { width: 200, height: 100 });
  await assert.rejects(extract(silent, { families: ['audio'] }), BadRequest);
  const sound = await makeSound('m4a', { seconds: 1, channels: [second(440)] });
  await assert.rejects(extract(sound, { families: ['video'] }), BadRequest);
});

for (const [rotate, corners] of [
  [0, UPRIGHT],
  [180, ['yellow', 'blue', 'green', 'red']],
] as const) {
  test(`the picture of a PDF is its first page, turned by ${rotate} degrees if it says so`, { skip }, async (t) => {
    const { extract, describe } = await open(t);
    const pdf = makePdf({ width: 200, height: 100, rotate });
    const page = await extract(pdf);
    assert.deepEqual([await sizeOf(page), await cornersOf(page)], [{ width: 640, height: 320 }, corners]);
    await assert.rejects(describe(pdf), BadRequest);
  });
}

test('a page of absurd measures has no more pixels than are allowed', { skip }, async (t) => {
  const { extract } = await open(t);
  const page = await extract(makePdf({ width: 14_400_000, height: 14_400_000 }), { maxPixels: 10_000 });
  assert.deepEqual(await sizeOf(page), { width: 99, height: 99 });
  await assert.rejects(extract(makePdf({ width: 10, height: 10 }), { maxPixels: 0 }), BadRequest);
});
