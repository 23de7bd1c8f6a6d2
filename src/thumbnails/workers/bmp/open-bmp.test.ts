import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BitmapShape, makeBmp, makeBmpClaiming } from '../../../../test/bitmaps.ts';
import { flipBits, truncate, UPRIGHT } from '../../../../test/pictures.ts';
import { cornersOfPixels } from '../../../../test/pixels.ts';
import { openBmp } from './open-bmp.ts';

const shape = { width: 27, height: 18 };
const RGBA_MASKS = [0x0000_00ff, 0x0000_ff00, 0x00ff_0000, 0xff00_0000] as const;

const kinds: Readonly<Record<string, BitmapShape>> = {
  '2 bits': { ...shape, bits: 2 },
  '4 bits': { ...shape, bits: 4 },
  '8 bits': { ...shape, bits: 8 },
  '16 bits': { ...shape, bits: 16 },
  '24 bits': { ...shape, bits: 24 },
  '32 bits': { ...shape, bits: 32 },
  '4 bits, from the top': { ...shape, bits: 4, topDown: true },
  '24 bits, from the top': { ...shape, bits: 24, topDown: true },
  '32 bits, from the top': { ...shape, bits: 32, topDown: true },
  '4 bits in OS/2 1.x': { ...shape, bits: 4, headerBytes: 12 },
  '8 bits in OS/2 1.x': { ...shape, bits: 8, headerBytes: 12 },
  '24 bits in OS/2 1.x': { ...shape, bits: 24, headerBytes: 12 },
  '24 bits in OS/2 2.x': { ...shape, bits: 24, headerBytes: 64 },
  '4 bits in runs': { ...shape, bits: 4, runs: 'plain' },
  '8 bits in runs': { ...shape, bits: 8, runs: 'plain' },
  '4 bits in runs and single pixels': { ...shape, bits: 4, runs: 'mixed' },
  '8 bits in runs and single pixels': { ...shape, bits: 8, runs: 'mixed' },
  'rows longer than a run': { width: 900, height: 6, bits: 8, runs: 'plain' },
  '16 bits as 5-6-5': { ...shape, bits: 16, masks: [0xf800, 0x07e0, 0x001f, 0] },
  '16 bits as 4-4-4-4': { ...shape, bits: 16, headerBytes: 56, masks: [0x0f00, 0x00f0, 0x000f, 0xf000] },
  '32 bits with masks behind the header': { ...shape, bits: 32, masks: [0xff00_0000, 0x00ff_0000, 0x0000_ff00, 0] },
  '32 bits with masks in the header': { ...shape, bits: 32, headerBytes: 52, masks: RGBA_MASKS },
  '32 bits with an alpha in the header': { ...shape, bits: 32, headerBytes: 56, masks: RGBA_MASKS },
  '32 bits in ten each': { ...shape, bits: 32, headerBytes: 108, masks: [0x3ff0_0000, 0x000f_fc00, 0x0000_03ff, 0] },
  V4: { ...shape, bits: 32, headerBytes: 108, masks: RGBA_MASKS },
  V5: { ...shape, bits: 32, headerBytes: 124, masks: RGBA_MASKS },
  'V5 without masks': { ...shape, bits: 24, headerBytes: 124 },
};

for (const [name, kind] of Object.entries(kinds)) {
  test(`a BMP is read: ${name}`, async () => {
    const opened = openBmp(makeBmp(kind));
    assert.deepEqual([opened?.width, opened?.height], [kind.width, kind.height]);
    assert.deepEqual(cornersOfPixels(await opened?.decode()), UPRIGHT);
  });
}

test('a BMP of 1 bit has its two colours', async () => {
  const pixels = await openBmp(makeBmp({ ...shape, bits: 1 }))?.decode();
  assert.deepEqual(cornersOfPixels(pixels), ['red', 'red', 'green', 'green']);
});

test('the colours of a BMP are exact', async () => {
  const pixels = await openBmp(makeBmp({ ...shape, bits: 32, headerBytes: 108, masks: RGBA_MASKS }))?.decode();
  assert.deepEqual([...(pixels?.data.subarray(0, 4) ?? [])], [230, 20, 20, 255]);
});

test('the last pixel before the padding of a row is that of the picture', async () => {
  for (const bits of [1, 2, 4, 8, 16, 24, 32] as const) {
    const pixels = await openBmp(makeBmp({ width: 3, height: 2, bits }))?.decode();
    assert.deepEqual(pixels?.data.subarray(8, 12), pixels?.data.subarray(4, 8), `${bits} bits`);
  }
});

test('what a BMP hides with its alpha is transparent', async () => {
  const bmp = makeBmp({ ...shape, bits: 32, headerBytes: 108, masks: RGBA_MASKS, alpha: 0 });
  assert.deepEqual(cornersOfPixels(await openBmp(bmp)?.decode()), ['red', 'green', 'blue', 'transparent']);
});

test('a BMP that announces an alpha and leaves it at zero everywhere is opaque', async () => {
  const masks = [0x00ff_0000, 0x0000_ff00, 0x0000_00ff, 0xff00_0000] as const;
  const bmp = makeBmp({ ...shape, bits: 32, headerBytes: 108, masks });
  for (let alpha = bmp.readUInt32LE(10) + 3; alpha < bmp.length; alpha += 4) bmp[alpha] = 0;
  assert.deepEqual(cornersOfPixels(await openBmp(bmp)?.decode()), UPRIGHT);
});

test('without a mask for it, the fourth byte of a BMP is no alpha', async () => {
  const bmp = makeBmp({ ...shape, bits: 32, alpha: 0 });
  assert.deepEqual(cornersOfPixels(await openBmp(bmp)?.decode()), UPRIGHT);
});

test('what the runs of a BMP move over is transparent', async () => {
  const pixels = await openBmp(makeBmp({ ...shape, bits: 8, runs: 'mixed' }))?.decode();
  assert.equal(pixels?.data[(shape.height - 1) * shape.width * 4 + 3], 0);
});

test('the profile of a BMP comes with its pixels', async () => {
  const profile = Buffer.from('what the numbers mean');
  const pixels = await openBmp(makeBmp({ ...shape, headerBytes: 124, profile }))?.decode();
  assert.deepEqual(pixels?.profile, profile);
});

test('a BMP that lacks pixels is refused before there is memory for them', () => {
  assert.equal(openBmp(makeBmpClaiming({ width: 5600, height: 5700 })), undefined);
  assert.equal(openBmp(makeBmpClaiming({ width: 2 ** 31 - 1, height: -(2 ** 31) })), undefined);
  assert.equal(openBmp(makeBmpClaiming({ width: -8, height: 8 })), undefined);
  assert.equal(openBmp(makeBmpClaiming({ width: 8, height: 0 })), undefined);
});

test('the pixels of a BMP are behind its headers', () => {
  const bmp = makeBmp(shape);
  bmp.writeUInt32LE(20, 10);
  assert.equal(openBmp(bmp), undefined);
});

test('runs that end before the picture are damaged', async () => {
  const bmp = makeBmp({ ...shape, bits: 8, runs: 'plain' });
  const opened = openBmp(bmp.subarray(0, -20));
  await assert.rejects(async () => opened?.decode(), /end before the picture/);
});

for (const [name, kind] of Object.entries(kinds)) {
  test(`a damaged BMP does no harm: ${name}`, async () => {
    const sound = makeBmp(kind);
    const damaged = [
      ...Array.from({ length: 20 }, (_, tenths) => truncate(sound, tenths / 20)),
      ...Array.from({ length: 60 }, (_, seed) => flipBits(sound.subarray(0, 160), seed + 1, 1 + (seed % 4))),
    ];
    for (const bytes of damaged) {
      const opened = openBmp(bytes);
      if (opened === undefined || opened.width * opened.height > 1_000_000) continue;
      const { data } = await opened.decode().catch(() => ({ data: undefined }));
      if (data !== undefined) assert.equal(data.length, opened.width * opened.height * 4);
    }
  });
}
