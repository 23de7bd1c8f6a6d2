import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseSize, fitInside, type Method, type Size } from './choose-size.ts';

const SIZES = ['32x32', '96x96', '320x240', '640x480', '800x600'].map(readSize);

for (const [asked, scale, crop] of [
  ['32x32', '32x32', '32x32'],
  ['320x240', '320x240', '320x240'],
  ['64x64', '96x96', '96x96'],
  ['64x32', '96x96', '96x48'],
  ['32x64', '96x96', '48x96'],
  ['100x100', '320x240', '240x240'],
  ['2000x1000', '800x600', '800x400'],
  ['10000x1', '800x600', '800x1'],
  ['1x10000', '800x600', '1x600'],
] as const) {
  test(`asked for ${asked}, the built-in sizes give ${scale} to scale and ${crop} to crop`, () => {
    assert.deepEqual(chooseSize(readSize(asked), 'scale', SIZES, false), readSize(scale));
    assert.deepEqual(chooseSize(readSize(asked), 'crop', SIZES, false), readSize(crop));
  });
}

test('of two sizes that cover the request, the earlier one stays unless the later is smaller in both sides', () => {
  const asked = { width: 90, height: 90 };
  assert.deepEqual(chooseSize(asked, 'scale', ['200x100', '100x200'].map(readSize), false), readSize('200x100'));
  assert.deepEqual(chooseSize(asked, 'scale', ['200x200', '100x100'].map(readSize), false), readSize('100x100'));
});

test('where no size covers the request, the largest width and the largest height are taken, each for itself', () => {
  const sizes = ['800x100', '100x600'].map(readSize);
  assert.deepEqual(chooseSize({ width: 900, height: 900 }, 'scale', sizes, false), readSize('800x600'));
});

test('with dynamic sizes the request is followed up to the largest sides', () => {
  assert.deepEqual(chooseSize({ width: 123, height: 45 }, 'crop', SIZES, true), readSize('123x45'));
  assert.deepEqual(chooseSize({ width: 9999, height: 45 }, 'scale', SIZES, true), readSize('800x45'));
});

test('a chosen size has whole sides from 1 to the largest offered', () =>
  fc.assert(
    fc.property(anySize(), anyMethod(), anySizes(), fc.boolean(), (asked, method, sizes, dynamicSizing) => {
      const chosen = chooseSize(asked, method, sizes, dynamicSizing);
      for (const side of ['width', 'height'] as const) {
        assert.ok(Number.isInteger(chosen[side]) && chosen[side] >= 1);
        assert.ok(chosen[side] <= Math.max(...sizes.map((size) => size[side])));
      }
    }),
  ));

test('a scaled size covers the request whenever any offered size does', () =>
  fc.assert(
    fc.property(anySize(), anySizes(), (asked, sizes) => {
      const covers = (size: Size) => size.width >= asked.width && size.height >= asked.height;
      if (sizes.some(covers)) assert.ok(covers(chooseSize(asked, 'scale', sizes, false)));
    }),
  ));

test('a crop that an offered size covers is no smaller than the request', () =>
  fc.assert(
    fc.property(anySize(), anySizes(), (asked, sizes) => {
      const covers = (size: Size) => size.width >= asked.width && size.height >= asked.height;
      if (sizes.some(covers)) assert.ok(covers(chooseSize(asked, 'crop', sizes, false)));
    }),
  ));

test('a shape fitted into a box touches it and keeps its ratio to a pixel', () =>
  fc.assert(
    fc.property(anySize(), anySize(), (shape, box) => {
      const { width, height } = fitInside(shape, box);
      assert.ok(width <= box.width && height <= box.height && (width === box.width || height === box.height));
      const exact = Math.min(box.width / shape.width, box.height / shape.height);
      assert.ok(Math.abs(width - Math.max(1, shape.width * exact)) < 1.001);
      assert.ok(Math.abs(height - Math.max(1, shape.height * exact)) < 1.001);
    }),
  ));

function anySize(): fc.Arbitrary<Size> {
  return fc.record({ width: fc.integer({ min: 1, max: 20_000 }), height: fc.integer({ min: 1, max: 20_000 }) });
}

function anySizes(): fc.Arbitrary<Size[]> {
  return fc.array(anySize(), { minLength: 1, maxLength: 6 });
}

function anyMethod(): fc.Arbitrary<Method> {
  return fc.constantFrom('crop', 'scale');
}

function readSize(text: string): Size {
  const [width = 0, height = 0] = text.split('x').map(Number);
  return { width, height };
}
