import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseSize, fitInside } from '../choose-size.ts';
import { frameSize } from './still-frame.ts';

const side = (max: number) => fc.integer({ min: 1, max });
const shape = (max: number) => fc.record({ width: side(max), height: side(max) });

test('a frame is never larger than the video, nor smaller than what the thumbnail needs of it', () =>
  fc.assert(
    fc.property(shape(60_000), shape(2000), fc.constantFrom('scale', 'crop'), (video, wanted, method) => {
      const frame = frameSize(video, wanted, method);
      assert.ok(frame.width <= video.width && frame.height <= video.height);
      if (method === 'crop') {
        assert.ok(frame.width >= Math.min(wanted.width, video.width));
        assert.ok(frame.height >= Math.min(wanted.height, video.height));
      } else if (video.width > wanted.width || video.height > wanted.height) {
        assert.deepEqual(fitInside(frame, wanted), fitInside(video, wanted));
      }
    }),
  ));

test('what no JPEG can hold is made smaller', () => {
  const frame = frameSize(
    { width: 200_000, height: 2 },
    chooseSize({ width: 9, height: 9 }, 'crop', [], false),
    'crop',
  );
  assert.ok(frame.width < 65_536 && frame.height >= 1);
});
