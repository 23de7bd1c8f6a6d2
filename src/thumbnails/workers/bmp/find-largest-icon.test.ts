import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IconPicture, makeIcon } from '../../../../test/bitmaps.ts';
import { flipBits, truncate, UPRIGHT } from '../../../../test/pictures.ts';
import { cornersOfPixels } from '../../../../test/pixels.ts';
import { findLargestIcon } from './find-largest-icon.ts';

const small = { width: 16, height: 16 };
const large = { width: 48, height: 48 };
const WITH_HOLE = ['red', 'green', 'blue', 'transparent'];

async function openIcon(pictures: readonly IconPicture[], kind?: 1 | 2) {
  return findLargestIcon(await makeIcon(pictures, kind));
}

async function decodeIcon(pictures: readonly IconPicture[], kind?: 1 | 2) {
  const icon = await openIcon(pictures, kind);
  assert.ok(icon !== undefined && !Buffer.isBuffer(icon));
  return await icon.decode();
}

for (const bits of [2, 4, 8, 16, 24, 32] as const) {
  test(`an icon of ${bits} bits is read, and its mask hides what it covers`, async () => {
    assert.deepEqual(cornersOfPixels(await decodeIcon([{ ...large, bits }])), UPRIGHT);
    assert.deepEqual(cornersOfPixels(await decodeIcon([{ ...large, bits, masked: true }])), WITH_HOLE);
  });
}

test('an icon of 32 bits has an alpha of its own', async () => {
  assert.deepEqual(cornersOfPixels(await decodeIcon([{ ...large, bits: 32, alpha: 0 }])), WITH_HOLE);
});

test('of an icon comes the largest picture, wherever it stands and whatever it is said to be', async () => {
  for (const pictures of [
    [small, large, small],
    [large, small],
    [small, small, large],
  ]) {
    const { width, height } = await decodeIcon(pictures);
    assert.deepEqual({ width, height }, large);
  }
  const lying = await makeIcon([small, large]);
  lying.set([64, 64], 6);
  const icon = findLargestIcon(lying);
  assert.equal(icon !== undefined && !Buffer.isBuffer(icon) && icon.width, large.width);
});

test('of pictures of one size in an icon comes the one with most colours', async () => {
  const pixels = await decodeIcon([
    { ...large, bits: 1 },
    { ...large, bits: 32 },
    { ...large, bits: 1 },
  ]);
  assert.deepEqual(cornersOfPixels(pixels), UPRIGHT);
});

test('a PNG in an icon is given as it is', async () => {
  const icon = await openIcon([small, { width: 256, height: 256, png: true }]);
  assert.ok(Buffer.isBuffer(icon));
  assert.equal(icon.toString('latin1', 1, 4), 'PNG');
});

test('a cursor is read like an icon', async () => {
  assert.deepEqual(cornersOfPixels(await decodeIcon([{ ...large, masked: true }], 2)), WITH_HOLE);
});

test('an icon whose mask is not there hides nothing', async () => {
  const icon = findLargestIcon((await makeIcon([large])).subarray(0, -48 * 8));
  assert.ok(icon !== undefined && !Buffer.isBuffer(icon));
  assert.deepEqual(cornersOfPixels(await icon.decode()), UPRIGHT);
});

test('of an icon whose largest picture breaks off comes the next', async () => {
  const icon = findLargestIcon(truncate(await makeIcon([small, large]), 0.5));
  assert.equal(icon !== undefined && !Buffer.isBuffer(icon) && icon.width, small.width);
});

test('an icon without a picture that can be read is none', async () => {
  assert.equal(findLargestIcon(Buffer.from('000001000100', 'hex')), undefined);
  assert.equal(findLargestIcon(Buffer.from('00000100ffff', 'hex')), undefined);
  assert.equal(findLargestIcon(truncate(await makeIcon([large]), 0.5)), undefined);
});

test('a damaged icon does no harm', async () => {
  const sound = await makeIcon([
    { ...small, bits: 4 },
    { ...small, bits: 32, masked: true },
  ]);
  for (let seed = 1; seed <= 200; seed += 1) {
    const icon = findLargestIcon(flipBits(sound, seed, 1 + (seed % 12)));
    if (icon === undefined || Buffer.isBuffer(icon) || icon.width * icon.height > 1_000_000) continue;
    const { data } = await icon.decode();
    assert.equal(data.length, icon.width * icon.height * 4);
  }
});
