import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPartBuffers } from './part-buffers.ts';

test('no more buffers are out than there are, and who waits gets the next one in turn', async (t) => {
  const buffers = createPartBuffers(2, 60_000);
  const [first, second] = [await buffers.take(t.signal), await buffers.take(t.signal)];
  const order: string[] = [];
  const takeAs = async (name: string) => {
    const buffer = await buffers.take(t.signal);
    order.push(name);
    return buffer;
  };
  const third = takeAs('third');
  const fourth = takeAs('fourth');
  first[Symbol.dispose]();
  first[Symbol.dispose](); // once more is nothing
  (await third)[Symbol.dispose]();
  (await fourth)[Symbol.dispose]();
  second[Symbol.dispose]();
  assert.deepEqual(order, ['third', 'fourth']);
  await Promise.all([buffers.take(t.signal), buffers.take(t.signal)]);
});

test('those that fill slowly never get all of them: a quarter is for parts that are whole', async (t) => {
  for (const [count, fillable] of [
    [1, 0],
    [2, 1],
    [4, 3],
    [8, 6],
  ] as const) {
    const buffers = createPartBuffers(count, 60_000);
    const filling = Array.from({ length: fillable }, () => buffers.takeToFill());
    assert.ok(filling.every((buffer) => buffer !== undefined));
    assert.equal(buffers.takeToFill(), undefined);
    const whole = await Promise.all(Array.from({ length: count - fillable }, () => buffers.take(t.signal)));
    filling[0]?.[Symbol.dispose]();
    if (fillable > 0) assert.ok(buffers.takeToFill());
    for (const buffer of whole) buffer[Symbol.dispose]();
    assert.equal(buffers.takeToFill(), undefined);
  }
});

test('whoever waits too long is told so, and who leaves takes nothing along', async (t) => {
  const buffers = createPartBuffers(1, 10);
  const held = await buffers.take(t.signal);
  await assert.rejects(buffers.take(t.signal), /Too much is being stored/);
  const leaver = new AbortController();
  const leaving = buffers.take(leaver.signal);
  leaver.abort(new Error('left'));
  await assert.rejects(leaving, /left/);
  held[Symbol.dispose]();
  (await buffers.take(t.signal))[Symbol.dispose]();
});
