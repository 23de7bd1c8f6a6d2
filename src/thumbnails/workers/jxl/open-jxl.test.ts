import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeJxl, makeJxlClaiming, packJxl, SPECIAL_JXL } from '../../../../test/jxl.ts';
import { flipBits, truncate, UPRIGHT } from '../../../../test/pictures.ts';
import { cornersOfPixels } from '../../../../test/pixels.ts';
import { createWasmDecoders } from '../wasm-decoders.ts';
import { openJxl } from './open-jxl.ts';

const size = { width: 120, height: 80 };
const decoders = createWasmDecoders();
const codestream = await makeJxl(size);

for (const [name, source] of [
  ['as it is', codestream],
  ['in a container', packJxl(codestream)],
  ['in a container, in two parts', packJxl(codestream, 20)],
  ...Object.entries(SPECIAL_JXL),
] as const) {
  if (name === 'in grey') continue;
  test(`a JPEG XL is decoded: ${name}`, async () => {
    const pixels = await openJxl(source, decoders)?.decode();
    const corners = name === 'with a transparent corner' ? [...UPRIGHT.slice(0, 3), 'transparent'] : UPRIGHT;
    assert.deepEqual(cornersOfPixels(pixels), corners);
    assert.equal(pixels?.profile, undefined);
    // Whatever its numbers were in the file.
    const distance = [230, 20, 20].map((value, channel) => Math.abs(value - (pixels?.data[channel] ?? 0)));
    assert.ok(Math.max(...distance) <= 3);
  });
}

test('a grey JPEG XL is decoded', async () => {
  const pixels = await openJxl(SPECIAL_JXL['in grey'], decoders)?.decode();
  const [red, green, blue, alpha] = pixels?.data ?? [];
  assert.ok(red === green && green === blue && alpha === 255);
});

test('decoding leaves nothing behind that would keep the memory of the decoder', async () => {
  await openJxl(codestream, decoders)?.decode();
  assert.ok(!('ImageData' in globalThis));
});

test('a JPEG XL without its pixels is damaged', async () => {
  await assert.rejects(async () => openJxl(makeJxlClaiming({ width: 5000, height: 5000 }), decoders)?.decode());
  for (let tenths = 1; tenths < 10; tenths += 1) {
    await assert.rejects(async () => openJxl(truncate(codestream, tenths / 10), decoders)?.decode());
  }
});

test('a JPEG XL with flipped bits is decoded or refused', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const source = flipBits(codestream, seed, 1 + (seed % 8));
    try {
      const opened = openJxl(source, decoders);
      if (opened === undefined || opened.width * opened.height >= 1_000_000) continue;
      const { data } = await opened.decode();
      assert.equal(data.length, opened.width * opened.height * 4);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
  }
});
