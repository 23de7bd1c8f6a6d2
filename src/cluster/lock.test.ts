import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createLocks } from './lock.ts';

const patient = new AbortController().signal;

test('one holder at a time, in the order of asking', async () => {
  const locks = createLocks();
  const seen: string[] = [];
  const work = async (name: string) => {
    await using _lock = await locks.acquire('same', patient);
    seen.push(`${name} in`);
    await setImmediate();
    seen.push(`${name} out`);
  };
  await Promise.all([work('a'), work('b'), work('c')]);
  assert.deepEqual(seen, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('different names do not wait for each other', async () => {
  const locks = createLocks();
  await using _one = await locks.acquire('one', patient);
  await using _two = await locks.acquire('two', patient);
});

test('who stops waiting does not stop those behind', async () => {
  const locks = createLocks();
  const first = await locks.acquire('same', patient);
  const leaving = new AbortController();
  const left = locks.acquire('same', leaving.signal);
  const third = locks.acquire('same', patient);
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  await first[Symbol.asyncDispose]();
  await (await third)[Symbol.asyncDispose]();
});

test('a failing holder lets go', async () => {
  const locks = createLocks();
  const failing = async () => {
    await using _lock = await locks.acquire('same', patient);
    throw new Error('broken');
  };
  await assert.rejects(failing(), /broken/);
  await (await locks.acquire('same', patient))[Symbol.asyncDispose]();
});

test('who does not want to wait gets the lock at once or not at all', async () => {
  const locks = createLocks();
  const first = await locks.tryAcquire('a');
  assert.equal(await locks.tryAcquire('a'), undefined);
  assert.notEqual(await locks.tryAcquire('b'), undefined);
  await first?.[Symbol.asyncDispose]();
  await setImmediate();
  assert.notEqual(await locks.tryAcquire('a'), undefined);
});
