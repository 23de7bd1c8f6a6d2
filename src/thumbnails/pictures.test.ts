import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  animationOf,
  coloursOf,
  cornersOf,
  distanceFromRed,
  frameOf,
  makeAnimatedPng,
  makeAvif,
  makeGif,
  makeJpeg,
  makePng,
  makePngClaiming,
  makeSvg,
  makeTiff,
  makeWebp,
  pixelAt,
  sizeOf,
  timesOf,
  truncate,
  UPRIGHT,
  UPSIDE_DOWN,
} from '../../test/pictures.ts';
import { BadRequest, TooLarge } from '../matrix/index.ts';
import { openLog } from '../telemetry/index.ts';
import type { Method } from './choose-size.ts';
import type { ThumbnailJob } from './job.ts';
import { formatsAllowedBy } from './picture-format.ts';
import { createThumbnailer } from './thumbnailer.ts';

const { log } = openLog({ level: 'info', colors: false, json: true, directory: '', now: () => 0, output: () => {} });
const thumbnailer = createThumbnailer({ log, maxWorkers: 1 });
after(() => thumbnailer[Symbol.asyncDispose]());

const FORMATS = {
  JPEG: { make: makeJpeg, type: 'image/jpeg' },
  PNG: { make: makePng, type: 'image/png' },
  GIF: { make: makeGif, type: 'image/png' },
  WebP: { make: makeWebp, type: 'image/jpeg' },
  AVIF: { make: makeAvif, type: 'image/jpeg' },
};

for (const [name, { make, type }] of Object.entries(FORMATS)) {
  test(`a ${name} is scaled into the size with its ratio`, async () => {
    const picture = await renderPicture(await make({ width: 683, height: 384 }), 'scale', 320, 240);
    assert.deepEqual(await sizeOf(picture.bytes), { width: 320, height: 179 });
    assert.deepEqual(await cornersOf(picture.bytes), UPRIGHT);
    assert.equal(picture.contentType, type);
    assert.equal(sniff(picture.bytes), type);
  });

  test(`a ${name} is cropped to the size around its middle`, async () => {
    const picture = await renderPicture(await make({ width: 400, height: 200 }), 'crop', 96, 96);
    assert.deepEqual(await sizeOf(picture.bytes), { width: 96, height: 96 });
    assert.deepEqual(await cornersOf(picture.bytes), UPRIGHT);
    assert.deepEqual([await pixelAt(picture.bytes, 44, 44), await pixelAt(picture.bytes, 52, 52)], ['red', 'yellow']);
    assert.equal(sniff(picture.bytes), type);
  });
}

for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`TH-20: a JPEG of EXIF orientation ${orientation} is turned upright before it is measured`, async () => {
    const jpeg = await makeJpeg({ width: 1200, height: 800, orientation });
    const scaled = await renderPicture(jpeg, 'scale', 320, 240);
    assert.deepEqual(await sizeOf(scaled.bytes), { width: 320, height: 213 });
    assert.deepEqual(await cornersOf(scaled.bytes), UPRIGHT);
    const cropped = await renderPicture(jpeg, 'crop', 320, 100);
    assert.deepEqual(await sizeOf(cropped.bytes), { width: 320, height: 100 });
    assert.deepEqual(await cornersOf(cropped.bytes), UPRIGHT);
  });
}

for (const [name, make] of Object.entries({ PNG: makePng, WebP: makeWebp, AVIF: makeAvif })) {
  test(`a ${name} that says how it is turned is turned upright too, once`, async () => {
    const { bytes } = await renderPicture(await make({ width: 240, height: 160, orientation: 6 }), 'scale', 96, 96);
    assert.deepEqual(await sizeOf(bytes), { width: 96, height: 64 });
    assert.deepEqual(await cornersOf(bytes), UPRIGHT);
  });
}

for (const [name, picture] of [
  ['JPEG in Display P3', makeJpeg({ width: 200, height: 200, colours: 'p3' })],
  ['JPEG in CMYK', makeJpeg({ width: 200, height: 200, colours: 'cmyk' })],
  ['PNG of 16 bits a channel', makePng({ width: 200, height: 200, bits: 16 })],
] as const) {
  test(`the thumbnail of a ${name} shows the same colours in 8 bits of sRGB, without a profile`, async () => {
    const { bytes } = await renderPicture(await picture, 'scale', 96, 96);
    assert.deepEqual(await coloursOf(bytes), { space: 'srgb', depth: 'uchar', hasProfile: false });
    assert.deepEqual(await cornersOf(bytes), UPRIGHT);
    assert.ok((await distanceFromRed(bytes)) < (name.includes('CMYK') ? 60 : 10));
  });
}

test('a thumbnail comes with its size', async () => {
  const { width, height } = await renderPicture(await makePng({ width: 400, height: 200 }), 'scale', 96, 96);
  assert.deepEqual({ width, height }, { width: 96, height: 48 });
});

test('transparency stays', async () => {
  const { bytes } = await renderPicture(await makePng({ width: 200, height: 200, alpha: true }), 'scale', 96, 96);
  assert.deepEqual(await cornersOf(bytes), ['red', 'green', 'blue', 'transparent']);
});

test('TH-20: where a picture was taken is not in its thumbnail', async () => {
  const jpeg = await makeJpeg({ width: 200, height: 200, withGps: true });
  assert.ok(jpeg.includes('Exif'));
  const { bytes } = await renderPicture(jpeg, 'scale', 96, 96);
  assert.ok(!bytes.includes('Exif'));
});

test('a small picture is sent as it is, with the type that it has', async () => {
  assert.deepEqual(await render(await makeWebp({ width: 96, height: 20 }), 'crop', 96, 96), {
    kind: 'original',
    contentType: 'image/webp',
  });
});

test('a small AVIF becomes a JPEG of its size', async () => {
  const { bytes, contentType } = await renderPicture(await makeAvif({ width: 64, height: 40 }), 'crop', 96, 96);
  assert.equal(contentType, 'image/jpeg');
  assert.deepEqual(await sizeOf(bytes), { width: 64, height: 40 });
});

for (const [name, make] of [
  ['GIF', makeGif],
  ['WebP', makeWebp],
] as const) {
  for (const [method, size] of [
    ['scale', { width: 96, height: 48 }],
    ['crop', { width: 48, height: 48 }],
  ] as const) {
    test(`an animated ${name} that is to move becomes a WebP with all its frames, by ${method}`, async () => {
      const source = await make({ width: 400, height: 200, frames: 3 });
      const rendered = await renderAs(source, { size, method, animated: true });
      assert.ok(rendered.kind === 'picture' && rendered.animated);
      assert.equal(rendered.contentType, 'image/webp');
      assert.deepEqual(await animationOf(rendered.bytes), { frames: 3, ...size, ...(await timesOf(source)) });
      // A crop is cut from the middle, where the four colours meet as well.
      assert.deepEqual(await cornersOf(await frameOf(rendered.bytes, 0)), UPRIGHT);
      assert.deepEqual(await cornersOf(await frameOf(rendered.bytes, 1)), UPSIDE_DOWN);
    });
  }

  test(`a still picture of an animated ${name} shows the frame that is configured`, async () => {
    const source = await make({ width: 400, height: 200, frames: 2 });
    for (const [stillFrame, corners] of [
      [0, UPRIGHT],
      [1, UPSIDE_DOWN],
    ] as const) {
      const rendered = await renderAs(source, { stillFrame });
      assert.ok(rendered.kind === 'picture' && !rendered.animated);
      assert.deepEqual(await cornersOf(rendered.bytes), corners);
    }
  });
}

test('an animation whose frames have too many pixels together gets a still thumbnail', async () => {
  const source = await makeGif({ width: 200, height: 100, frames: 3 });
  const rendered = await renderAs(source, { animated: true, maxPixels: 60_000 });
  assert.ok(rendered.kind === 'picture' && !rendered.animated);
  assert.equal((await animationOf(rendered.bytes)).frames, 1);
});

for (const [name, picture] of [
  ['GIF', makeGif({ width: 40, height: 40, frames: 3 })],
  ['WebP', makeWebp({ width: 40, height: 40, frames: 3 })],
  ['PNG', makeAnimatedPng({ width: 40, height: 40 })],
] as const) {
  test(`of a small animated ${name} comes the first picture only`, async () => {
    const { bytes } = await renderPicture(await picture, 'scale', 96, 96);
    assert.deepEqual(await sizeOf(bytes), { width: 40, height: 40 });
    assert.deepEqual(await cornersOf(bytes), UPRIGHT);
    assert.ok(!bytes.includes('acTL'));
  });
}

test('a photograph that lacks its last rows still gets a thumbnail', async () => {
  const broken = truncate(await makeJpeg({ width: 400, height: 400 }), 0.9);
  const { bytes } = await renderPicture(broken, 'scale', 96, 96);
  assert.deepEqual((await cornersOf(bytes)).slice(0, 2), UPRIGHT.slice(0, 2));
});

test('TH-19: a picture with too many pixels is refused from its header', async () => {
  await assert.rejects(render(await makePngClaiming({ width: 50_000, height: 50_000 }), 'scale', 96, 96), TooLarge);
});

test('the number of pixels must be below the limit', async () => {
  const png = await makePng({ width: 100, height: 100 });
  await assert.rejects(render(png, 'scale', 96, 96, 10_000), TooLarge);
  assert.equal((await render(png, 'scale', 96, 96, 10_001)).kind, 'picture');
});

test('what is no picture of a known format is refused, and the next picture is served by the same worker', async () => {
  await renderPicture(await makePng({ width: 100, height: 100 }), 'scale', 32, 32);
  const before = thumbnailer.workerPids;
  const jpeg = await makeJpeg({ width: 400, height: 300 });
  const avif = await makeAvif({ width: 64, height: 64 });
  for (const [name, bytes] of Object.entries({
    nothing: Buffer.alloc(0),
    noise: Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * 7919) % 251)),
    'the start of a JPEG': truncate(jpeg, 0.02),
    SVG: makeSvg({ width: 400, height: 400 }),
    PDF: Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF'),
    TIFF: Buffer.from('49492a0008000000000000000000', 'hex'),
    HEVC: replaceAll(avif, [
      ['av01', 'hvc1'],
      ['av1C', 'hvcC'],
      ['avif', 'heic'],
    ]),
    'a broken AVIF': Buffer.concat([truncate(avif, 0.5), Buffer.alloc(100)]),
  })) {
    await assert.rejects(render(bytes, 'scale', 32, 32), BadRequest, name);
  }
  await renderPicture(jpeg, 'scale', 96, 96);
  assert.deepEqual(thumbnailer.workerPids, before);
});

for (const [name, source, size] of [
  ['TIFF', makeTiff({ width: 400, height: 200 }), { width: 96, height: 48 }],
  ['TIFF that lies on its side', makeTiff({ width: 400, height: 200, orientation: 6 }), { width: 96, height: 48 }],
  ['TIFF in CMYK', makeTiff({ width: 400, height: 200, colours: 'cmyk' }), { width: 96, height: 48 }],
  ['small TIFF', makeTiff({ width: 40, height: 20 }), { width: 40, height: 20 }],
  ['SVG', makeSvg({ width: 400, height: 200 }), { width: 96, height: 48 }],
  ['small SVG', makeSvg({ width: 40, height: 20 }), { width: 40, height: 20 }],
] as const) {
  test(`a ${name} becomes a PNG, where its type is listed`, async () => {
    const rendered = await renderAs(await source, { formats: ['tiff', 'svg'] });
    assert.ok(rendered.kind === 'picture');
    assert.equal(rendered.contentType, 'image/png');
    assert.deepEqual(await sizeOf(rendered.bytes), size);
    assert.deepEqual(await cornersOf(rendered.bytes), UPRIGHT);
  });
}

for (const [name, svg] of Object.entries({
  'another file': '<image href="file:///proc/self/environ" width="400" height="400"/>',
  'a file by its name': '<image href="/etc/hostname" width="400" height="400"/>',
  'an address': '<image href="http://127.0.0.1:9/x.png" width="400" height="400"/>',
  'a script': '<script>document.documentElement.remove()</script>',
})) {
  test(`an SVG that wants ${name} is drawn without it`, async () => {
    const rect = '<rect width="400" height="400" fill="rgb(20,20,230)"/>';
    const source = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400">${rect}${svg}</svg>`);
    const rendered = await renderAs(source, { formats: ['svg'] });
    assert.ok(rendered.kind === 'picture');
    assert.equal(await pixelAt(rendered.bytes, 48, 48), 'blue');
  });
}

test('an SVG of entities that multiply is refused, and the next picture is served', async () => {
  const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('');
  const svg = `<!DOCTYPE svg [<!ENTITY e0 "ha">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&e12;</text></svg>`;
  await assert.rejects(renderAs(Buffer.from(svg), { formats: ['svg'] }), BadRequest);
  await renderPicture(await makePng({ width: 100, height: 100 }), 'scale', 32, 32);
});

test('an SVG that claims to be endless is too large', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>';
  await assert.rejects(renderAs(Buffer.from(svg), { formats: ['svg'] }), TooLarge);
});

function render(source: Buffer, method: Method, width: number, height: number, maxPixels = 32_000_000) {
  return renderAs(source, { size: { width, height }, method, maxPixels });
}

async function renderAs(source: Buffer, asked: Partial<ThumbnailJob>) {
  const job = { size: { width: 96, height: 96 }, method: 'scale', animated: false, stillFrame: 0 } as const;
  const limits = { formats: formatsAllowedBy([]), maxPixels: 32_000_000 };
  return await thumbnailer.render(source, { ...limits, ...job, ...asked }, new AbortController().signal);
}

async function renderPicture(source: Buffer, method: Method, width: number, height: number) {
  const rendered = await render(source, method, width, height);
  assert.ok(rendered.kind === 'picture', 'a picture is made');
  return rendered;
}

function sniff(bytes: Buffer): string {
  return bytes.toString('latin1', 1, 4) === 'PNG' ? 'image/png' : bytes[0] === 0xff ? 'image/jpeg' : 'other';
}

function replaceAll(bytes: Buffer, pairs: readonly (readonly [string, string])[]): Buffer {
  const text = pairs.reduce((before, [from, to]) => before.replaceAll(from, to), bytes.toString('latin1'));
  return Buffer.from(text, 'latin1');
}
