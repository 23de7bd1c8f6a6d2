import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Artwork, artworkSideOf, countColumns, drawSound } from './draw-sound.ts';

const BACKGROUND = [41, 57, 92];
const WAVE = [240, 240, 240];
const square = (side: number, rgba: readonly number[]): Artwork => ({
  side,
  rgba: Buffer.alloc(side * side * 4, Buffer.from(rgba)),
});
const pixel = ({ width, rgb }: { readonly width: number; readonly rgb: Uint8Array }, x: number, y: number) => [
  ...rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

for (const [width, height, side, columns] of [
  [96, 96, 63, 1],
  [320, 240, 158, 114],
  [640, 480, 317, 275],
  [768, 240, 158, 562],
  [800, 600, 396, 356],
] as const) {
  test(`with artwork, ${width}×${height} has a square of ${side} and ${columns} columns, as with matrix-media-repo`, () => {
    const size = { width, height };
    assert.deepEqual([artworkSideOf(size), countColumns(size, true)], [side, columns]);
    const drawn = drawSound(size, [[1, 1]], square(side, [200, 10, 20, 255]));
    const top = Math.floor(height / 2) - Math.floor(side / 2);
    const [left, right, bottom] = [16, 16 + side - 1, top + side - 1];
    for (const [x, y] of [[left, top] as const, [right, bottom] as const].filter(([x]) => x < width)) {
      assert.deepEqual(pixel(drawn, x, y), [200, 10, 20]);
    }
    assert.deepEqual(pixel(drawn, left - 1, top), BACKGROUND);
    assert.deepEqual(pixel(drawn, left, top - 1), BACKGROUND);
    assert.deepEqual(pixel(drawn, left, bottom + 1), BACKGROUND);
    const start = side + 32;
    if (start < width) {
      const peak = Math.floor(height / 2) - Math.floor((height - 16) / 2);
      assert.deepEqual(pixel(drawn, start, peak), WAVE);
      assert.deepEqual(pixel(drawn, start, peak - 1), BACKGROUND);
      assert.deepEqual(pixel(drawn, start, Math.floor(height / 2) + 1), BACKGROUND);
    }
  });
}

test('without artwork the wave has the whole width, but for a margin', () => {
  const size = { width: 320, height: 240 };
  const columns = countColumns(size, false);
  assert.equal(columns, 288);
  const drawn = drawSound(
    size,
    Array.from({ length: columns }, () => [0, 0] as const),
    undefined,
  );
  for (const [x, colour] of [
    [15, BACKGROUND] as const,
    [16, WAVE] as const,
    [303, WAVE] as const,
    [304, BACKGROUND] as const,
  ]) {
    assert.deepEqual(pixel(drawn, x, 120), colour, `column ${x}`);
  }
  assert.deepEqual(pixel(drawn, 100, 119), BACKGROUND);
  assert.deepEqual(pixel(drawn, 100, 121), BACKGROUND);
});

test('a column is as long as the mean of left and right, up for what is positive, else down', () => {
  const size = { width: 320, height: 240 };
  const drawn = drawSound(
    size,
    [
      [0.75, 0.25],
      [-1, 0],
      [1, -1],
    ],
    undefined,
  ); // half of 112 pixels up, half down, none
  const columnOf = (x: number) =>
    Array.from({ length: 240 }, (_, y) => y).filter((y) => pixel(drawn, x, y).join() === WAVE.join());
  assert.deepEqual([columnOf(16).at(0), columnOf(16).at(-1), columnOf(16).length], [64, 120, 57]);
  assert.deepEqual([columnOf(17).at(0), columnOf(17).at(-1), columnOf(17).length], [120, 176, 57]);
  assert.deepEqual(columnOf(18), [120]);
});

test('what is half transparent in the artwork lets the background through', () => {
  const drawn = drawSound({ width: 320, height: 240 }, [], square(158, [255, 255, 255, 51]));
  assert.deepEqual(pixel(drawn, 16, 120), [84, 97, 125]); // a fifth of white
});

for (const [width, height] of [
  [1, 1],
  [32, 32],
  [16, 300],
  [300, 16],
] as const) {
  test(`even ${width}×${height} can be drawn, though not all fits in`, () => {
    const size = { width, height };
    const samples = Array.from({ length: countColumns(size, true) }, () => [1, 1] as const);
    assert.equal(drawSound(size, samples, square(artworkSideOf(size), [0, 0, 0, 255])).rgb.length, width * height * 3);
  });
}
