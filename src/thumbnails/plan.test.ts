import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Method, Size } from './choose-size.ts';
import type { ThumbnailJob } from './job.ts';
import type { PictureFormat } from './picture-format.ts';
import { planThumbnail, type SourcePicture } from './plan.ts';

for (const [source, box, scale, crop] of [
  ['4000x3000', '320x240', '320x240', '320x240'],
  ['3000x4000', '320x240', '180x240', '320x240'],
  ['1366x768', '320x240', '320x179', '320x240'],
  ['1920x1080', '800x600', '800x450', '800x600'],
  ['100x3000', '320x240', '8x240', '100x75'],
  ['50x1000', '96x96', '4x96', '50x50'],
  ['1000x1', '96x96', '96x1', '1x1'],
] as const) {
  test(`a picture of ${source} for ${box} is scaled to ${scale} and cropped to ${crop}`, () => {
    assert.deepEqual(sizeOf(plan(picture(source), readSize(box), 'scale')), readSize(scale));
    assert.deepEqual(sizeOf(plan(picture(source), readSize(box), 'crop')), readSize(crop));
  });
}

for (const format of ['jpeg', 'png', 'gif', 'webp'] as const) {
  test(`a ${format} that fits is sent as it is`, () => {
    const made = plan(picture('96x50', { format }), readSize('96x96'), 'crop');
    assert.deepEqual(made, { kind: 'original', contentType: `image/${format}` });
  });
}

test('a picture that was taken out of other media is no file that could be sent, even if it fits', () => {
  for (const animated of [false, true]) {
    const made = plan(picture('90x50', { format: 'jpeg' }), readSize('96x96'), 'crop', { animated, isExtracted: true });
    assert.deepEqual(made, { ...STILL, width: 90, height: 50, contentType: 'image/jpeg', first: 0 });
  }
});

test('an AVIF that fits is made a JPEG of its own size, for clients may not get AVIF', () => {
  assert.deepEqual(plan(picture('90x50', { format: 'avif' }), readSize('96x96'), 'crop'), {
    kind: 'render',
    width: 90,
    height: 50,
    method: 'scale',
    contentType: 'image/jpeg',
    first: 0,
    count: 1,
  });
});

test('of an animated picture that fits, one still picture of its own size is made', () => {
  const made = plan(picture('90x50', { format: 'gif', isAnimated: true, frames: 10 }), readSize('96x96'), 'scale');
  assert.deepEqual(made, { ...STILL, width: 90, height: 50, first: 5 });
});

const STILL = { kind: 'render', method: 'scale', contentType: 'image/png', count: 1 };
const animation = (size: string, frames: number) => picture(size, { format: 'gif', isAnimated: true, frames });

test('an animation that fits is sent as it is to those who want it to move', () => {
  const made = plan(animation('90x50', 10), readSize('96x96'), 'scale', { animated: true });
  assert.deepEqual(made, { kind: 'original', contentType: 'image/gif' });
});

test('an animation that is too large becomes a WebP of all its frames', () => {
  const made = plan(animation('400x200', 10), readSize('96x96'), 'scale', { animated: true });
  const expected = { ...STILL, width: 96, height: 48, contentType: 'image/webp', first: 0, count: 10 };
  assert.deepEqual(made, expected);
});

for (const [size, frames] of [
  ['4000x2000', 4],
  ['200x100', 1600],
  ['8x8', 1001],
] as const) {
  test(`of ${frames} frames of ${size} a still picture is made, whatever is wanted`, () => {
    const box = readSize(size === '8x8' ? '4x4' : '96x96');
    const made = plan(animation(size, frames), box, 'scale', { animated: true });
    assert.ok(made.kind === 'render' && made.count === 1);
  });
}

for (const [stillFrame, frames, first] of [
  [0, 10, 0],
  [0.5, 10, 5],
  [0.99, 10, 9],
  [1, 10, 9],
  [1, 1, 0],
  [1, 100_000, 999],
] as const) {
  test(`the still frame of ${frames} at ${stillFrame} is number ${first}`, () => {
    const made = plan(animation('400x200', frames), readSize('96x96'), 'scale', { stillFrame });
    assert.ok(made.kind === 'render' && made.first === first && made.count === 1);
  });
}

for (const [format, hasAlpha, expected] of [
  ['jpeg', false, 'image/jpeg'],
  ['webp', false, 'image/jpeg'],
  ['webp', true, 'image/png'],
  ['avif', false, 'image/jpeg'],
  ['avif', true, 'image/png'],
  ['png', false, 'image/png'],
  ['gif', false, 'image/png'],
] as const) {
  test(`a ${format} ${hasAlpha ? 'with' : 'without'} transparency becomes ${expected}`, () => {
    const made = plan(picture('900x900', { format, hasAlpha }), readSize('96x96'), 'scale');
    assert.equal(made.contentType, expected);
  });
}

test('nothing is ever made larger than the picture or than the chosen size, nor without pixels', () =>
  fc.assert(
    fc.property(anyPicture(), anySize(), fc.constantFrom<Method>('crop', 'scale'), (source, box, method) => {
      const made = plan(source, box, method);
      if (made.kind === 'original') return;
      assert.ok(made.width >= 1 && made.width <= Math.min(source.width, box.width));
      assert.ok(made.height >= 1 && made.height <= Math.min(source.height, box.height));
    }),
  ));

test('a crop that the picture is large enough for has exactly the chosen size', () =>
  fc.assert(
    fc.property(anyPicture(), anySize(), (source, box) => {
      fc.pre(source.width > box.width && source.height >= box.height);
      assert.deepEqual(sizeOf(plan(source, box, 'crop')), { ...box });
    }),
  ));

function plan(source: SourcePicture, size: Size, method: Method, asked: Partial<ThumbnailJob> = {}) {
  return planThumbnail(source, {
    size,
    method,
    animated: false,
    stillFrame: 0.5,
    formats: [],
    maxPixels: 32_000_000,
    ...asked,
  });
}

function picture(size: string, rest: Partial<SourcePicture> = {}): SourcePicture {
  return { ...readSize(size), format: 'jpeg', isAnimated: false, frames: 1, hasAlpha: false, ...rest };
}

function sizeOf(made: ReturnType<typeof plan>): Size | undefined {
  return made.kind === 'render' ? { width: made.width, height: made.height } : undefined;
}

function readSize(text: string): Size {
  const [width = 0, height = 0] = text.split('x').map(Number);
  return { width, height };
}

function anySize(): fc.Arbitrary<Size> {
  return fc.record({ width: fc.integer({ min: 1, max: 20_000 }), height: fc.integer({ min: 1, max: 20_000 }) });
}

function anyPicture(): fc.Arbitrary<SourcePicture> {
  return fc.record({
    width: fc.integer({ min: 1, max: 20_000 }),
    height: fc.integer({ min: 1, max: 20_000 }),
    format: fc.constantFrom<PictureFormat>('jpeg', 'png', 'gif', 'webp', 'avif', 'tiff', 'svg'),
    isAnimated: fc.boolean(),
    frames: fc.integer({ min: 1, max: 2000 }),
    hasAlpha: fc.boolean(),
  });
}
