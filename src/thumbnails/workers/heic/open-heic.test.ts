import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeicShape, makeHeic, makeHeicClaiming } from '../../../../test/heic.ts';
import { flipBits, truncate, UPRIGHT } from '../../../../test/pictures.ts';
import { cornersOfPixels } from '../../../../test/pixels.ts';
import { makeRgbProfile } from '../make-rgb-profile.ts';
import { createWasmDecoders } from '../wasm-decoders.ts';
import { openHeic } from './open-heic.ts';

const size = { width: 256, height: 128 };
const MAX_PIXELS = 1_000_000;
const decoders = createWasmDecoders();

for (const [name, shape, width, corners] of [
  ['as it is', {}, 256, UPRIGHT],
  ['of 10 bits', { bits: 10 }, 256, UPRIGHT],
  ['turned by a quarter', { quarters: 1 }, 128, ['green', 'yellow', 'red', 'blue']],
  ['turned by two', { quarters: 2 }, 256, ['yellow', 'blue', 'green', 'red']],
  ['turned by three', { quarters: 3 }, 128, ['blue', 'red', 'yellow', 'green']],
  ['with left and right exchanged', { mirrored: 'left and right' }, 256, ['green', 'red', 'yellow', 'blue']],
  ['with top and bottom exchanged', { mirrored: 'top and bottom' }, 256, ['blue', 'yellow', 'red', 'green']],
  ['turned and mirrored', { quarters: 1, mirrored: 'left and right' }, 128, ['yellow', 'green', 'blue', 'red']],
  ['with an alpha', { alpha: true }, 256, ['red', 'green', 'blue', 'transparent']],
  ['of an odd size', { width: 251, height: 125 }, 251, UPRIGHT],
] as const satisfies readonly (readonly [string, Partial<HeicShape>, number, unknown])[]) {
  test(`a HEIC is shown as its container says: ${name}`, async () => {
    const opened = await openHeic(makeHeic({ ...size, ...shape }), MAX_PIXELS, decoders);
    assert.equal(opened.width, width);
    assert.equal(opened.hasAlpha, 'alpha' in shape);
    const pixels = await opened.decode();
    assert.deepEqual([pixels.width, pixels.height], [opened.width, opened.height]);
    assert.deepEqual(cornersOfPixels(pixels), corners);
  });
}

for (const [name, profile, expected] of [
  ['an ICC profile', makeRgbProfile('bt2020'), makeRgbProfile('bt2020')],
  ['the number of Display P3', 12, makeRgbProfile('p3')],
  ['the number of BT.2020', 9, makeRgbProfile('bt2020')],
  ['the number of sRGB', 1, undefined],
  ['no profile', undefined, undefined],
  ['a profile for grey', Buffer.alloc(200, 'GRAY'), undefined],
] as const) {
  test(`what the colours of a HEIC stand for comes with it: ${name}`, async () => {
    const heic = makeHeic({ ...size, ...(profile !== undefined && { profile }) });
    const pixels = await (await openHeic(heic, MAX_PIXELS, decoders)).decode();
    assert.deepEqual(pixels.profile, expected);
  });
}

test('a HEIC whose pixels have another size than its header tells is damaged', async () => {
  for (const claimed of [
    { width: 500, height: 500 },
    { width: 16, height: 16 },
  ]) {
    const opened = await openHeic(makeHeicClaiming(claimed), MAX_PIXELS, decoders);
    await assert.rejects(opened.decode());
  }
});

test('a HEIC that claims to be endless tells it before anything is decoded', async () => {
  const { width } = await openHeic(makeHeicClaiming({ width: 50_000, height: 50_000 }), MAX_PIXELS, decoders);
  assert.equal(width, 50_000);
});

test('a HEIC that breaks off is refused', async () => {
  const heic = makeHeic(size);
  for (let tenths = 0; tenths < 10; tenths += 1) {
    await assert.rejects(
      async () => await (await openHeic(truncate(heic, tenths / 10), MAX_PIXELS, decoders)).decode(),
    );
  }
});

test('a HEIC with flipped bits is decoded or refused', async () => {
  const heic = makeHeic({ ...size, alpha: true });
  for (let seed = 1; seed <= 30; seed += 1) {
    const source = flipBits(heic, seed, 1 + (seed % 8));
    try {
      const opened = await openHeic(source, MAX_PIXELS, decoders);
      if (opened.width * opened.height >= MAX_PIXELS) continue;
      const { width, height, channels, data } = await opened.decode();
      assert.equal(data.length, width * height * channels);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
  }
});
