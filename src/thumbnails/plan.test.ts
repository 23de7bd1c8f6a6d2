import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Method, Size } from './choose-size.ts';
import { type PictureFormat, planThumbnail, type SourcePicture } from './plan.ts';

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
    assert.deepEqual(sizeOf(planThumbnail(picture(source), readSize(box), 'scale')), readSize(scale));
    assert.deepEqual(sizeOf(planThumbnail(picture(source), readSize(box), 'crop')), readSize(crop));
  });
}

for (const format of ['jpeg', 'png', 'gif', 'webp'] as const) {
  test(`a ${format} that fits is sent as it is`, () => {
    const plan = planThumbnail(picture('96x50', { format }), readSize('96x96'), 'crop');
    assert.deepEqual(plan, { kind: 'original', contentType: `image/${format}` });
  });
}

test('an AVIF that fits is made a JPEG of its own size, for clients may not get AVIF', () => {
  assert.deepEqual(planThumbnail(picture('90x50', { format: 'avif' }), readSize('96x96'), 'crop'), {
    kind: 'render',
    width: 90,
    height: 50,
    method: 'scale',
    contentType: 'image/jpeg',
  });
});

test('of an animated picture that fits, one still picture of its own size is made', () => {
  const plan = planThumbnail(picture('90x50', { format: 'gif', isAnimated: true }), readSize('96x96'), 'scale');
  assert.deepEqual(plan, { kind: 'render', width: 90, height: 50, method: 'scale', contentType: 'image/png' });
});

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
    const plan = planThumbnail(picture('900x900', { format, hasAlpha }), readSize('96x96'), 'scale');
    assert.equal(plan.contentType, expected);
  });
}

test('nothing is ever made larger than the picture or than the chosen size, nor without pixels', () =>
  fc.assert(
    fc.property(anyPicture(), anySize(), fc.constantFrom<Method>('crop', 'scale'), (source, box, method) => {
      const plan = planThumbnail(source, box, method);
      if (plan.kind === 'original') return;
      assert.ok(plan.width >= 1 && plan.width <= Math.min(source.width, box.width));
      assert.ok(plan.height >= 1 && plan.height <= Math.min(source.height, box.height));
    }),
  ));

test('a crop that the picture is large enough for has exactly the chosen size', () =>
  fc.assert(
    fc.property(anyPicture(), anySize(), (source, box) => {
      fc.pre(source.width > box.width && source.height >= box.height);
      assert.deepEqual(sizeOf(planThumbnail(source, box, 'crop')), { ...box });
    }),
  ));

function picture(size: string, rest: Partial<SourcePicture> = {}): SourcePicture {
  return { ...readSize(size), format: 'jpeg', isAnimated: false, hasAlpha: false, ...rest };
}

function sizeOf(plan: ReturnType<typeof planThumbnail>): Size | undefined {
  return plan.kind === 'render' ? { width: plan.width, height: plan.height } : undefined;
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
    format: fc.constantFrom<PictureFormat>('jpeg', 'png', 'gif', 'webp', 'avif'),
    isAnimated: fc.boolean(),
    hasAlpha: fc.boolean(),
  });
}
