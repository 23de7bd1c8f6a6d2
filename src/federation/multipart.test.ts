import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMediaPart } from './multipart.ts';

const BOUNDARY = 'a-b';

/** Cut at these places. */
async function* cut(bytes: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  const ends = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
  for (const [at, end] of [...ends, bytes.length].entries()) yield bytes.subarray(ends[at - 1] ?? 0, end);
}

function around(content: Buffer, lineEnd = '\r\n'): Buffer {
  const head = [`--${BOUNDARY}`, '', '{}', `--${BOUNDARY}`, 'Content-Type: a/b', '', ''].join(lineEnd);
  return Buffer.concat([Buffer.from(head), content, Buffer.from(`${lineEnd}--${BOUNDARY}--${lineEnd}`)]);
}

/** Full of what a delimiter consists of. */
const contents = fc
  .array(
    fc.oneof(
      fc.constantFrom('\r', '\n', '\r\n', '-', '--', 'a', '-b', '\r\n--a', '--a-b'),
      fc.string({ maxLength: 3 }),
    ),
  )
  .map((pieces) => Buffer.from(pieces.join('')))
  .filter((content) => !/\r?\n--a-b(--|[ \t]*\r?\n)/.test(`\r\n${content}\r\n`));

test('FED-16: media comes out as it went in, in whichever pieces it arrives', () =>
  fc.assert(
    fc.asyncProperty(contents, fc.array(fc.nat()), async (content, places) => {
      const { body } = await readMediaPart(cut(around(content), places), BOUNDARY);
      assert.deepEqual(Buffer.concat(await Array.fromAsync(body)), content);
    }),
  ));

test('FED-17: whatever is missing at the end, it is noticed', () =>
  fc.assert(
    fc.asyncProperty(contents, fc.array(fc.nat()), fc.nat(), async (content, places, missing) => {
      const whole = around(content);
      const short = whole.subarray(0, whole.length - 3 - (missing % (whole.length - 3)));
      await assert.rejects(async () => {
        const { body } = await readMediaPart(cut(short, places), BOUNDARY);
        await Array.fromAsync(body);
      }, /before its last delimiter|has no parts|is no JSON/);
    }),
  ));

test('pieces of media are passed on as they come, so that their memory can be given back', async () => {
  const pieces = Array.from({ length: 5 }, (_, at) => Buffer.alloc(65_536, `piece ${at}`));
  const end = around(Buffer.alloc(0)).length - `\r\n--${BOUNDARY}--\r\n`.length;
  async function* send() {
    yield around(Buffer.alloc(0)).subarray(0, end);
    yield* pieces;
    yield around(Buffer.alloc(0)).subarray(end);
  }
  const { body } = await readMediaPart(send(), BOUNDARY);
  const [, ...others] = await Array.fromAsync(body); // the first one is read together with the line end before it
  assert.equal(others.length, pieces.length - 1);
  for (const [at, { buffer }] of others.entries()) assert.equal(buffer, pieces[at + 1]?.buffer);
});
