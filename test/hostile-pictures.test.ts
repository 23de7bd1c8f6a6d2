import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pino from 'pino';
import { BadRequest, TooLarge } from '../src/matrix/index.ts';
import { createThumbnailer } from '../src/thumbnails/index.ts';
import { makeMovingPng } from './apng.ts';
import { makeBmp, makeIcon } from './bitmaps.ts';
import { PICTURE_BOMBS } from './bombs.ts';
import { makeHeic } from './heic.ts';
import { makeJxl, packJxl } from './jxl.ts';
import {
  flipBits,
  makeAnimatedPng,
  makeAvif,
  makeGif,
  makeJpeg,
  makePng,
  makeSvg,
  makeTiff,
  makeWebp,
  truncate,
} from './pictures.ts';

const shape = { width: 300, height: 200 };
const animation = { ...shape, frames: 4 };
const sound: Readonly<Record<string, Buffer>> = {
  JPEG: await makeJpeg({ ...shape, orientation: 6, withGps: true }),
  PNG: await makePng({ ...shape, alpha: true, bits: 16 }),
  'PNG that claims to be animated': await makeAnimatedPng(shape),
  'animated PNG': makeMovingPng(animation),
  GIF: await makeGif(animation),
  WebP: await makeWebp(shape),
  'animated WebP': await makeWebp(animation),
  AVIF: await makeAvif(shape),
  TIFF: await makeTiff(shape),
  SVG: makeSvg(shape),
  BMP: makeBmp({ ...shape, bits: 8, runs: 'mixed' }),
  icon: await makeIcon([shape, { ...shape, bits: 32 }, { ...shape, png: true }]),
  HEIC: makeHeic({ ...shape, alpha: true, quarters: 1 }),
  'JPEG XL': packJxl(await makeJxl(shape), 100),
};
const FORMATS = ['jpeg', 'png', 'gif', 'webp', 'avif', 'tiff', 'svg', 'bmp', 'ico', 'heic', 'jxl'] as const;
const MAX_WORKERS = 2;
const MAX_WORKER_BYTES = 400 * 1024 ** 2;
/** Of one picture; a machine that is busy with other tests is given ten times what it takes. */
const MAX_JOB_MS = 5_000;

const thumbnailer = createThumbnailer({
  log: pino({ enabled: false }),
  maxWorkers: MAX_WORKERS,
  maxJobMs: MAX_JOB_MS,
  maxWorkerBytes: MAX_WORKER_BYTES,
});
after(() => thumbnailer[Symbol.asyncDispose]());

/** Asks for all that can be made of a file. @returns how each ended: a kind of answer, or of refusal */
async function tryAll(source: Buffer): Promise<readonly string[]> {
  const { signal } = new AbortController();
  const limits = { formats: FORMATS, maxPixels: 32_000_000 };
  const still = { size: { width: 96, height: 96 }, method: 'crop', animated: false, stillFrame: 1, ...limits } as const;
  const attempts = [
    thumbnailer.render(source, still, signal),
    thumbnailer.render(source, { ...still, method: 'scale', animated: true }, signal),
    thumbnailer.encodeBlurhash(source, { xComponents: 4, yComponents: 3, ...limits }, signal),
    thumbnailer.measure(source, limits, signal),
  ];
  const ends = await Promise.allSettled<object | string>(attempts);
  return ends.map((end) => (end.status === 'fulfilled' ? 'answered' : nameOf(end.reason)));
}

function nameOf(error: unknown): string {
  return error instanceof BadRequest || error instanceof TooLarge ? 'refused' : String(error);
}

async function assertWell(): Promise<void> {
  assert.ok(thumbnailer.workerPids.length <= MAX_WORKERS);
  assert.deepEqual(await tryAll(sound['JPEG'] ?? Buffer.alloc(0)), Array(4).fill('answered'));
}

const assertEnded = (ends: readonly string[], what: string) => {
  for (const end of ends) assert.ok(end === 'answered' || end === 'refused', `${what}: ${end}`);
};

for (const [format, bytes] of Object.entries(sound)) {
  test(`a ${format} that breaks off anywhere is answered or refused, and the next picture is served`, async () => {
    for (let tenths = 0; tenths < 10; tenths += 1) {
      assertEnded(await tryAll(truncate(bytes, tenths / 10)), `${tenths} tenths`);
    }
    await assertWell();
  });

  test(`a ${format} with flipped bits is answered or refused, and the next picture is served`, async () => {
    for (let seed = 1; seed <= 16; seed += 1) {
      assertEnded(await tryAll(flipBits(bytes, seed, 1 + (seed % 8))), `seed ${seed}`);
    }
    await assertWell();
  });
}

for (const [what, make] of Object.entries(PICTURE_BOMBS)) {
  test(`${what} ends in an answer, and the next picture is served`, async () => {
    assertEnded(await tryAll(await make()), what);
    await assertWell();
  });
}
