import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrameStart, type Frame, readFrames } from './frames.ts';

const MAX_BODY_BYTES = 1000;

test('frames come out as they went in, however the pipe cuts them', () =>
  fc.assert(
    fc.asyncProperty(anyFrames(), fc.integer({ min: 1, max: 50 }), async (frames, chunkBytes) => {
      assert.deepEqual(await readAll(cut(encode(frames), chunkBytes)), frames);
    }),
    { numRuns: 50 },
  ));

test('a frame that breaks off is not given', async () => {
  const whole = encode([{ head: 'first', body: Buffer.from('body') }]);
  for (let length = 0; length < whole.length; length += 1) {
    assert.deepEqual(await readAll(cut(whole.subarray(0, length), 7)), []);
  }
});

test('a frame that announces more than the limit is refused before its body comes', async () => {
  await assert.rejects(readAll(cut(encodeFrameStart({}, MAX_BODY_BYTES + 1), 64)), /no frame/);
});

test('text where a frame should start is refused', async () => {
  await assert.rejects(readAll(cut(Buffer.from('a library writes a warning'), 64)), /no frame/);
});

function anyFrames(): fc.Arbitrary<Frame[]> {
  const body = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
  return fc.array(fc.record({ head: fc.string(), body }, { noNullPrototype: true }), { maxLength: 5 });
}

function encode(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.flatMap(({ head, body }) => [encodeFrameStart(head, body.length), body]));
}

async function* cut(bytes: Buffer, chunkBytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes);
}

function readAll(chunks: AsyncIterable<Buffer>): Promise<Frame[]> {
  return Array.fromAsync(readFrames(chunks, MAX_BODY_BYTES));
}
