import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeApng, makeMovingPng } from '../../test/apng.ts';
import { makeBmp, makeBmpClaiming, makeIcon } from '../../test/bitmaps.ts';
import { makeHeic, makeHeicClaiming } from '../../test/heic.ts';
import { makeJxl, makeJxlClaiming, packJxl, SPECIAL_JXL } from '../../test/jxl.ts';
import {
  animationOf,
  coloursOf,
  cornersOf,
  frameOf,
  makeJpeg,
  makePng,
  type PictureShape,
  pixelAt,
  sizeOf,
  truncate,
  UPRIGHT,
  UPSIDE_DOWN,
} from '../../test/pictures.ts';
import { BadRequest, TooLarge } from '../matrix/index.ts';
import { openLog } from '../telemetry/index.ts';
import type { ThumbnailJob } from './job.ts';
import { formatsAllowedBy } from './picture-format.ts';
import { createThumbnailer } from './thumbnailer.ts';
import { makeRgbProfile } from './workers/make-rgb-profile.ts';

const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: () => 0, output: () => {} });
const thumbnailer = createThumbnailer({ log, maxWorkers: 1 });
after(() => thumbnailer[Symbol.asyncDispose]());

const limits = { formats: formatsAllowedBy(['image/*']), maxPixels: 32_000_000 };
const { signal } = new AbortController();

const FORMATS: Readonly<Record<string, (shape: PictureShape) => Buffer | Promise<Buffer>>> = {
  BMP: (shape) => makeBmp(shape),
  'icon of a bitmap': (shape) => makeIcon([{ width: 16, height: 16 }, shape]),
  'icon of a PNG': (shape) =>
    makeIcon([
      { width: 16, height: 16 },
      { ...shape, png: true },
    ]),
  HEIC: (shape) => makeHeic(shape),
  'JPEG XL': makeJxl,
  'JPEG XL in a container': async (shape) => packJxl(await makeJxl(shape)),
};

for (const [name, make] of Object.entries(FORMATS)) {
  test(`a ${name} is scaled, cropped, measured, and seen from afar`, async () => {
    const source = await make({ width: 640, height: 256 });
    const scaled = await renderPicture(source, { size: { width: 96, height: 96 } });
    assert.deepEqual(await sizeOf(scaled.bytes), { width: 96, height: 38 });
    assert.deepEqual(await cornersOf(scaled.bytes), UPRIGHT);
    const cropped = await renderPicture(source, { size: { width: 96, height: 96 }, method: 'crop' });
    assert.deepEqual(await sizeOf(cropped.bytes), { width: 96, height: 96 });
    assert.deepEqual(await cornersOf(cropped.bytes), UPRIGHT);
    assert.deepEqual(await thumbnailer.measure(source, limits, signal), { width: 640, height: 256 });
    const shape = { width: 640, height: 256 };
    const waves = { xComponents: 4, yComponents: 3, ...limits };
    const alike = await thumbnailer.encodeBlurhash(await makePng(shape), waves, signal);
    assert.equal((await thumbnailer.encodeBlurhash(source, waves, signal)).length, alike.length);
  });

  test(`a small ${name} is never sent as it is, for clients need not know it`, async () => {
    const source = await make({ width: 64, height: 64 });
    const { bytes, contentType } = await renderPicture(source, { size: { width: 96, height: 96 } });
    assert.ok(['image/png', 'image/jpeg'].includes(contentType));
    assert.deepEqual(await sizeOf(bytes), { width: 64, height: 64 });
  });

  test(`a ${name} with too many pixels is refused`, async () => {
    const source = await make({ width: 128, height: 128 });
    await assert.rejects(renderAs(source, { maxPixels: 128 * 128 }), TooLarge);
    assert.equal((await renderAs(source, { maxPixels: 128 * 128 + 1 })).kind, 'picture');
  });

  if (name.startsWith('icon')) continue; // of these comes a smaller picture, then
  test(`a ${name} that breaks off in its pixels is refused, and the worker goes on`, async () => {
    const before = thumbnailer.workerPids;
    await assert.rejects(renderAs(truncate(await make({ width: 128, height: 128 }), 0.4)), BadRequest);
    await renderPicture(await makePng({ width: 100, height: 100 }));
    assert.deepEqual(thumbnailer.workerPids, before);
  });
}

for (const [name, source] of Object.entries({
  BMP: makeBmpClaiming({ width: 50_000, height: 50_000 }),
  HEIC: makeHeicClaiming({ width: 50_000, height: 50_000 }),
  'JPEG XL': makeJxlClaiming({ width: 50_000, height: 50_000 }),
})) {
  test(`TH-19: a ${name} that claims to be endless is refused from its header`, async () => {
    await assert.rejects(renderAs(source), name === 'BMP' ? BadRequest : TooLarge);
  });
}

for (const [name, format, source] of [
  ['BMP', 'bmp', makeBmp({ width: 200, height: 200 })],
  ['icon', 'ico', await makeIcon([{ width: 48, height: 48 }])],
  ['HEIC', 'heic', makeHeic({ width: 200, height: 200 })],
  ['JPEG XL', 'jxl', await makeJxl({ width: 200, height: 200 })],
] as const) {
  test(`a ${name} is decoded only where its type is listed`, async () => {
    const others = limits.formats.filter((allowed) => allowed !== format);
    await assert.rejects(renderAs(source, { formats: others }), BadRequest);
    assert.equal((await renderAs(source, { formats: [format] })).kind, 'picture');
  });
}

for (const [name, shape] of [
  ['a BMP', 'profile in a file of V5'],
  ['a HEIC', 'profile in its container'],
] as const) {
  test(`the colours of ${name} with a ${shape} become those of sRGB`, async () => {
    const profile = makeRgbProfile('bt2020');
    const size = { width: 256, height: 256 };
    const make = (own?: Buffer) =>
      name === 'a BMP'
        ? makeBmp({ ...size, headerBytes: 124, ...(own && { profile: own }) })
        : makeHeic({ ...size, ...(own && { profile: own }) });
    const wide = await renderPicture(make(profile));
    assert.deepEqual(await coloursOf(wide.bytes), { space: 'srgb', depth: 'uchar', hasProfile: false });
    assert.deepEqual(await cornersOf(wide.bytes), UPRIGHT);
    const plain = await renderPicture(make());
    assert.notDeepEqual(wide.bytes, plain.bytes);
  });
}

test('transparency of a HEIC, a JPEG XL, and an icon stays', async () => {
  for (const source of [
    makeHeic({ width: 256, height: 256, alpha: true }),
    SPECIAL_JXL['with a transparent corner'],
    await makeIcon([{ width: 64, height: 64, masked: true }]),
  ]) {
    const { bytes } = await renderPicture(source, { size: { width: 32, height: 32 } });
    assert.deepEqual(await cornersOf(bytes), ['red', 'green', 'blue', 'transparent']);
  }
});

test('a photograph in HEIC or JPEG XL becomes a JPEG, one with transparency a PNG', async () => {
  const size = { width: 256, height: 256 };
  assert.equal((await renderPicture(makeHeic(size))).contentType, 'image/jpeg');
  assert.equal((await renderPicture(await packJxl(SPECIAL_JXL['in Display P3']))).contentType, 'image/jpeg');
  assert.equal((await renderPicture(makeHeic({ ...size, alpha: true }))).contentType, 'image/png');
});

test('a HEIC that lies on its side is measured and made upright', async () => {
  const source = makeHeic({ width: 256, height: 128, quarters: 3 });
  assert.deepEqual(await thumbnailer.measure(source, limits, signal), { width: 128, height: 256 });
  const { bytes } = await renderPicture(source, { size: { width: 96, height: 96 } });
  assert.deepEqual(await sizeOf(bytes), { width: 48, height: 96 });
  assert.deepEqual(await cornersOf(bytes), ['blue', 'red', 'yellow', 'green']);
});

for (const [method, size] of [
  ['scale', { width: 96, height: 48 }],
  ['crop', { width: 48, height: 48 }],
] as const) {
  test(`an animated PNG that is to move becomes a WebP with all its frames, by ${method}`, async () => {
    const source = makeMovingPng({ width: 400, height: 200, frames: 3 });
    const rendered = await renderPicture(source, { size, method, animated: true });
    assert.ok(rendered.animated);
    assert.equal(rendered.contentType, 'image/webp');
    assert.deepEqual(await animationOf(rendered.bytes), { frames: 3, ...size, delay: [50, 60, 70], loop: 2 });
    assert.deepEqual(await cornersOf(await frameOf(rendered.bytes, 0)), UPRIGHT);
    assert.deepEqual(await cornersOf(await frameOf(rendered.bytes, 1)), UPSIDE_DOWN);
  });
}

test('what an animated PNG leaves out of a frame stays in its thumbnail', async () => {
  const frames = [{}, { x: 150, y: 50, width: 50, height: 50, colour: 'red', blend: 'over' }] as const;
  const source = makeApng({ width: 200, height: 100, frames });
  const { bytes } = await renderPicture(source, { size: { width: 96, height: 96 }, animated: true });
  const second = await frameOf(bytes, 1);
  assert.deepEqual(await cornersOf(second), ['red', 'green', 'blue', 'red']);
});

test('a still picture of an animated PNG shows the frame that is configured', async () => {
  const source = makeMovingPng({ width: 400, height: 200, frames: 2 });
  for (const [stillFrame, corners] of [
    [0, UPRIGHT],
    [1, UPSIDE_DOWN],
  ] as const) {
    const rendered = await renderPicture(source, { stillFrame });
    assert.ok(!rendered.animated);
    assert.equal(rendered.contentType, 'image/png');
    assert.deepEqual(await cornersOf(rendered.bytes), corners);
  }
});

test('a small animated PNG is sent as it is where it may move', async () => {
  const source = makeMovingPng({ width: 40, height: 40, frames: 2 });
  assert.deepEqual(await renderAs(source, { animated: true }), { kind: 'original', contentType: 'image/png' });
  assert.equal((await renderPicture(source)).animated, false);
});

test('an animated PNG whose frames have too many pixels together shows its still picture', async () => {
  const frames = [{ corners: UPSIDE_DOWN }, {}, {}] as const;
  const source = makeApng({ width: 200, height: 100, still: 'another', frames });
  const many = { animated: true, maxPixels: 60_000, stillFrame: 1 };
  const rendered = await renderPicture(source, many);
  assert.ok(!rendered.animated);
  assert.deepEqual(await cornersOf(rendered.bytes), UPSIDE_DOWN);
  assert.ok((await renderPicture(source, { ...many, maxPixels: 60_001 })).animated);
});

test('an animated PNG of more than a thousand frames shows its still picture', async () => {
  const frames = Array.from({ length: 1001 }, () => ({ width: 1, height: 1, colour: 'red' }) as const);
  const make = (count: number) =>
    makeApng({ width: 100, height: 100, still: 'another', frames: frames.slice(0, count) });
  assert.ok(!(await renderPicture(make(1001), { animated: true })).animated);
  assert.ok((await renderPicture(make(1000), { animated: true })).animated);
});

test('a damaged frame of an animated PNG ends in a picture or a refusal', async () => {
  const source = makeMovingPng({ width: 400, height: 200, frames: 3 });
  const place = source.lastIndexOf('fdAT') + 10;
  source.fill(0xff, place, place + 40);
  try {
    await renderAs(source, { animated: true });
  } catch (error) {
    assert.ok(error instanceof BadRequest);
  }
});

test('the same worker decodes one format after the other', async () => {
  const before = thumbnailer.workerPids;
  for (let round = 0; round < 3; round += 1) {
    for (const make of Object.values(FORMATS)) await renderPicture(await make({ width: 128, height: 128 }));
    const { bytes } = await renderPicture(await makeJpeg({ width: 200, height: 200 }));
    assert.equal(await pixelAt(bytes, 10, 10), 'red');
  }
  assert.deepEqual(thumbnailer.workerPids, before);
});

async function renderAs(source: Buffer, asked: Partial<ThumbnailJob> = {}) {
  const job = { size: { width: 96, height: 96 }, method: 'scale', animated: false, stillFrame: 0 } as const;
  return await thumbnailer.render(source, { ...limits, ...job, ...asked }, signal);
}

async function renderPicture(source: Buffer, asked: Partial<ThumbnailJob> = {}) {
  const rendered = await renderAs(source, asked);
  assert.ok(rendered.kind === 'picture', 'a picture is made');
  return rendered;
}
