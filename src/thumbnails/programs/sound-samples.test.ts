import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SoundSamples } from './sound-samples.ts';

/** As interleaved 16-bit numbers. */
function pcmOf(numbers: readonly number[]): Buffer {
  const pcm = Buffer.alloc(numbers.length * 2);
  numbers.forEach((number, index) => {
    pcm.writeInt16LE(number, 2 * index);
  });
  return pcm;
}

test('single samples are chosen at equal distances; the step is rounded, and the sound may end before', () => {
  const samples = new SoundSamples(2);
  samples.add(pcmOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((number) => [number * 1024, -number * 1024])));
  assert.equal(samples.total, 10);
  assert.deepEqual(
    samples.choose(4).map(([left, right]) => [left * 32, right * 32]), // a step of 2.5, so of 3
    [
      [0, 0],
      [3, -3],
      [6, -6],
      [9, -9],
    ],
  );
  assert.equal(samples.choose(100).length, 10);
});

test('the one channel of a mono sound is left and right', () => {
  const samples = new SoundSamples(1);
  samples.add(pcmOf([-32_768, 16_384]));
  assert.deepEqual(samples.choose(2), [
    [-1, -1],
    [0.5, 0.5],
  ]);
});

test('of no sound there are no samples', () => assert.deepEqual(new SoundSamples(2).choose(768), []));

test('however it comes in pieces and however long it is, each chosen sample is one from just before its place', () =>
  fc.assert(
    fc.property(
      fc.constantFrom<1 | 2>(1, 2),
      fc.integer({ min: 0, max: 3000 }),
      fc.integer({ min: 1, max: 64 }).map((half) => 2 * half),
      fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
      fc.integer({ min: 1, max: 50 }),
      (channels, total, maxKept, pieces, count) => {
        const samples = new SoundSamples(channels, maxKept);
        const pcm = pcmOf(Array.from({ length: total * channels }, (_, index) => Math.floor(index / channels)));
        for (let at = 0; at < pcm.length; ) {
          const piece = pieces.next().value;
          samples.add(Buffer.from(pcm.subarray(at, at + piece)));
          at += piece;
        }
        assert.equal(samples.total, total);
        const step = Math.max(1, Math.round(total / count));
        const stride = 2 ** Math.max(0, Math.ceil(Math.log2(total / maxKept)));
        const chosen = samples.choose(count).map(([left, right]) => {
          assert.equal(left, right);
          return left * 32_768;
        });
        assert.equal(chosen.length, Math.min(count, Math.ceil(total / step)));
        chosen.forEach((place, index) => {
          assert.equal(place, stride * Math.floor((index * step) / stride));
        });
      },
    ),
    { numRuns: 300 },
  ));
