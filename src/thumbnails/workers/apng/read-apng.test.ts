import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApngFrame, makeApng } from '../../../../test/apng.ts';
import { flipBits, makeAnimatedPng, makePng, truncate } from '../../../../test/pictures.ts';
import { readApng } from './read-apng.ts';

const size = { width: 20, height: 10 };
const framesOf = (frames: readonly ApngFrame[]) => readApng(makeApng({ ...size, frames }))?.frames.length;

test('times and loops of an animated PNG are read', () => {
  const apng = readApng(makeApng({ ...size, plays: 3, frames: [{ delay: 7 }, { delay: 250 }] }));
  assert.deepEqual({ width: apng?.width, height: apng?.height, plays: apng?.plays }, { ...size, plays: 3 });
  assert.deepEqual(
    apng?.frames.map(({ delayMs }) => delayMs),
    [70, 2500],
  );
});

test('a delay without a unit counts in hundredths', () => {
  const png = makeApng({ ...size, frames: [{ delay: 7 }] });
  png.writeUInt16BE(0, png.indexOf('fcTL') + 4 + 22);
  assert.equal(readApng(png)?.frames[0]?.delayMs, 70);
});

test('a still PNG is no animation', async () => assert.equal(readApng(await makePng(size)), undefined));

test('a PNG that only says it is animated has no frames', async () =>
  assert.deepEqual(readApng(await makeAnimatedPng(size))?.frames, []));

for (const [what, frame] of Object.entries({
  'wider than the picture': { width: 21 },
  'beyond the right edge': { x: 11, width: 10 },
  'beyond the lower edge': { y: 1 },
  'far away': { x: 2 ** 31 - 1, width: 2 ** 31 - 1 },
  'without a width': { width: 0 },
})) {
  test(`frames count up to one that is ${what}`, () => {
    const png = makeApng({ ...size, frames: [{}, {}, {}] });
    const control = png.indexOf('fcTL', png.indexOf('fcTL') + 4) + 4;
    const { width = 20, x = 0, y = 0 } = { ...frame } as { width?: number; x?: number; y?: number };
    png.writeUInt32BE(width, control + 4);
    png.writeUInt32BE(x, control + 12);
    png.writeUInt32BE(y, control + 16);
    assert.equal(readApng(png)?.frames.length, 1);
  });
}

test('frames that are not there do not count', () => {
  const png = makeApng({ ...size, frames: [{}, {}, {}] });
  const second = png.indexOf('fcTL', png.indexOf('fcTL') + 4);
  assert.equal(readApng(png.subarray(0, second + 60))?.frames.length, 1);
  assert.equal(framesOf([{}, {}, {}]), 3);
});

test('a damaged animated PNG is read or not, and nothing else happens', () => {
  const sound = makeApng({ ...size, frames: [{}, {}, {}] });
  for (let tenths = 0; tenths < 10; tenths += 1) readApng(truncate(sound, tenths / 10));
  for (let seed = 1; seed < 300; seed += 1) readApng(flipBits(sound, seed, 1 + (seed % 8)));
});
