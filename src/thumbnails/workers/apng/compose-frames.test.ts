import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApngFrame, type ApngShape, makeApng } from '../../../../test/apng.ts';
import { UPRIGHT, UPSIDE_DOWN } from '../../../../test/pictures.ts';
import { cornersOfPixels } from '../../../../test/pixels.ts';
import { composeFrames } from './compose-frames.ts';
import { readApng } from './read-apng.ts';

const size = { width: 20, height: 20 };
/** The lower right quarter. */
const QUARTER = { x: 10, y: 10, width: 10, height: 10 };
const CLEAR: ApngFrame = { colour: 'red', alpha: 0 };

async function compose(shape: Omit<ApngShape, 'width' | 'height'>, first = 0, count = shape.frames.length) {
  const apng = readApng(makeApng({ ...size, ...shape }));
  assert.ok(apng);
  const pictures = await composeFrames(apng, first, count);
  const bytes = size.width * size.height * 4;
  return Array.from({ length: count }, (_, index) =>
    cornersOfPixels({ ...size, channels: 4, data: pictures.subarray(index * bytes, (index + 1) * bytes) }),
  );
}

/** With another colour in the lower right. */
const upright = (corner: 'red' | 'transparent' | 'blue' = 'red') => [...UPRIGHT.slice(0, 3), corner];

for (const [name, frames, pictures] of [
  ['what is small is drawn over what was there', [{}, { ...QUARTER, colour: 'red' }], [UPRIGHT, upright()]],
  [
    'what is small and blended leaves the rest',
    [{}, { ...QUARTER, colour: 'red', blend: 'over' }],
    [UPRIGHT, upright()],
  ],
  [
    'what is transparent hides when it is a source',
    [{}, { ...QUARTER, ...CLEAR, blend: 'source' }],
    [UPRIGHT, upright('transparent')],
  ],
  [
    'what is transparent hides nothing when it is blended',
    [{}, { ...QUARTER, ...CLEAR, blend: 'over' }],
    [UPRIGHT, UPRIGHT],
  ],
  [
    'a frame stays when nothing is said',
    [{}, { ...QUARTER, colour: 'red' }, { x: 0, y: 0, width: 1, height: 1 }],
    [UPRIGHT, upright(), upright()],
  ],
  [
    'a frame goes, and leaves a hole of its own size',
    [{}, { ...QUARTER, colour: 'red', dispose: 'background' }, { x: 0, y: 0, width: 1, height: 1 }],
    [UPRIGHT, upright(), upright('transparent')],
  ],
  [
    'a frame goes, and what was there comes back',
    [{}, { ...QUARTER, colour: 'red', dispose: 'previous' }, { x: 0, y: 0, width: 1, height: 1 }],
    [UPRIGHT, upright(), UPRIGHT],
  ],
  [
    'before the first frame there was nothing to come back to',
    [{ dispose: 'previous' }, { ...QUARTER, colour: 'blue' }],
    [UPRIGHT, ['transparent', 'transparent', 'transparent', 'blue']],
  ],
] as const satisfies readonly (readonly [string, readonly ApngFrame[], unknown])[]) {
  test(`frames of an animated PNG: ${name}`, async () => assert.deepEqual(await compose({ frames }), pictures));
}

test('two transparent layers mix as they should', async () => {
  const layer = { colour: 'red', alpha: 128, blend: 'over' } as const;
  const apng = readApng(makeApng({ ...size, frames: [layer, layer] }));
  assert.ok(apng);
  const [red = 0, green = 0, blue = 0, alpha = 0] = await composeFrames(apng, 1, 1);
  assert.deepEqual([red, green, blue, alpha], [230, 20, 20, 192]);
});

test('one frame is drawn upon those before it', async () => {
  const frames = [{}, { ...QUARTER, colour: 'red' }, { ...QUARTER, ...CLEAR, blend: 'over' }] as const;
  assert.deepEqual(await compose({ frames }, 2, 1), [upright()]);
});

test('a picture for programs that know no animations is not among the frames', async () => {
  assert.deepEqual(await compose({ still: 'another', frames: [{}, { corners: UPSIDE_DOWN }] }), [UPRIGHT, UPSIDE_DOWN]);
});
