import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { paintIdenticon } from './draw-identicon.ts';

/** What matrix-media-repo draws: SHA-256 over the pixels as red, green, blue, alpha. */
const DRAWN: readonly (readonly [seed: string, width: number, height: number, sha256: string])[] = [
  ['/alice', 96, 96, '0060cebdf585e6ba845de856447260f8ee44dbeba92f3aaf936848f0b0009298'],
  ['/alice', 100, 100, 'f4c6ccf0cc537207de2e03dcefbeba5e0460f3c5fb4d4677d9f2a2627aa91d59'],
  ['/alice', 512, 512, '92d7057ab69ab55d9191bd13ad532dd7001a4c869ee6374c346818c55854fbc3'],
  ['/alice', 200, 96, 'b48a7fc424bcdd14a60f5e4d9e44350605890621afdc5cf3f0635ba457b56b9e'],
  ['/@alice:example.org', 96, 96, 'd31ac0569c7bead231b0e4de17e957b6b49920d80c4b2c6eff5ff763178590fb'],
  ['/', 96, 96, '981e605b9966ff863352e1cc75aa30690b4cc37d0b872cda8561a15b50d280d8'],
];

for (const [seed, width, height, sha256] of DRAWN) {
  test(`the identicon of ${seed} in ${width}×${height} is the one that matrix-media-repo draws`, () => {
    const rgb = paintIdenticon(seed, { width, height });
    assert.equal(rgb.length, width * height * 3);
    const rgba = Buffer.alloc(width * height * 4, 255);
    for (let at = 0; at < width * height; at += 1) rgba.set(rgb.subarray(at * 3, at * 3 + 3), at * 4);
    assert.equal(createHash('sha256').update(rgba).digest('hex'), sha256);
  });
}

test('a row of cells that is not full leaves background at its end', () => {
  const rgb = paintIdenticon('/alice', { width: 100, height: 100 });
  assert.deepEqual([...rgb.subarray(-3)], [224, 224, 224]);
});
