import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unavailable } from '../matrix/index.ts';
import { createPreviewTurns } from './preview-turns.ts';

const never = new AbortController().signal;

/** What has come of all that is under way and waits for nothing else. */
async function settledOf(promises: readonly Promise<Disposable>[]): Promise<number> {
  let settled = 0;
  for (const promise of promises) promise.then(() => (settled += 1));
  for (let at = 0; at < 20; at += 1) await Promise.resolve();
  return settled;
}

test('one user has half of all turns at most, and what that user waits for keeps nobody else waiting', async () => {
  const turns = createPreviewTurns();
  const slow = Array.from({ length: 20 }, () => turns.take('@slow:example.org', 4, never));
  assert.equal(await settledOf(slow), 2);
  const other = [turns.take('@other:example.org', 4, never)];
  assert.equal(await settledOf(other), 1);
  (await slow[0])?.[Symbol.dispose]();
  assert.equal(await settledOf(slow), 3);
});

test('all users together have no more than all turns; a single turn goes round', async () => {
  const turns = createPreviewTurns();
  const asked = ['a', 'b', 'c', 'd', 'e'].map((user) => turns.take(user, 3, never));
  assert.equal(await settledOf(asked), 3);
  const single = createPreviewTurns();
  const first = await single.take('a', 1, never);
  const second = single.take('b', 1, never);
  first[Symbol.dispose]();
  using _ = await second;
});

test('of one user five hundred links wait at most, and the others are still let in', async () => {
  const turns = createPreviewTurns();
  const leaving = new AbortController();
  const waiting = Array.from({ length: 501 }, () => turns.take('a', 2, leaving.signal));
  const ends = Promise.allSettled(waiting);
  await assert.rejects(turns.take('a', 2, never), Unavailable);
  using _ = await turns.take('b', 2, never);
  leaving.abort(new Error('left'));
  assert.equal((await ends).filter(({ status }) => status === 'rejected').length, 500);
  const again = turns.take('a', 4, never);
  assert.equal(await settledOf([again]), 1, 'who has left does not wait any more');
});

test('0 is no limit', async () => {
  const turns = createPreviewTurns();
  const asked = Array.from({ length: 50 }, () => turns.take('a', 0, never));
  assert.equal(await settledOf(asked), 50);
});
