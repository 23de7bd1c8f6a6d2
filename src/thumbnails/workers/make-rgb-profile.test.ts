import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { makeRgbProfile } from './make-rgb-profile.ts';
import { toSharp } from './to-sharp.ts';

const convert = async (pixel: readonly number[], profile: Buffer | undefined) => {
  const pixels = { width: 1, height: 1, channels: 3, data: Buffer.from(pixel), ...(profile && { profile }) } as const;
  return [...(await toSharp(pixels).toColourspace('srgb').raw().toBuffer())].slice(0, 3);
};

async function knownProfile(): Promise<Buffer> {
  const create = { width: 1, height: 1, channels: 3, background: 'red' } as const;
  const { icc } = await sharp(await sharp({ create }).withIccProfile('p3').png().toBuffer()).metadata();
  return icc ?? Buffer.alloc(0);
}

test('the profile of Display P3 does what the one of others does', async () => {
  const known = await knownProfile();
  for (const pixel of [
    [230, 20, 20],
    [20, 200, 20],
    [120, 130, 90],
    [128, 128, 128],
    [255, 255, 255],
  ]) {
    const [ours, others] = [await convert(pixel, makeRgbProfile('p3')), await convert(pixel, known)];
    const distance = Math.max(...ours.map((value, channel) => Math.abs(value - (others[channel] ?? 0))));
    assert.ok(distance <= 2, `${pixel}: ${ours}, not ${others}`);
  }
});

test('a wide space makes colours stronger and leaves grey alone', async () => {
  for (const primaries of ['p3', 'bt2020'] as const) {
    const profile = makeRgbProfile(primaries);
    const [, green = 0, blue = 0] = await convert([200, 100, 100], profile);
    assert.ok(green < 95 && blue < 100, primaries);
    for (const value of await convert([128, 128, 128], profile)) assert.ok(Math.abs(value - 128) <= 1, primaries);
  }
});

test('without a profile the numbers are those of sRGB', async () => {
  assert.deepEqual(await convert([200, 100, 100], undefined), [200, 100, 100]);
});
