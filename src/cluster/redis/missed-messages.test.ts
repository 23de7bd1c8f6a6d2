import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMissedMessages } from './missed-messages.ts';

/** Whether something is found to be missing after each of these parts, in which numbers are noted. */
function play(...parts: readonly (readonly number[])[]): boolean[] {
  const missed = createMissedMessages();
  return parts.map((numbers) => {
    for (const number of numbers) missed.note('a', number);
    return missed.check('a');
  });
}

test('nothing is missing when all numbers come, wherever one begins to listen', () => {
  assert.deepEqual(play([7, 8], [9], [10, 11], []), [false, false, false, false]);
});

test('a number that does not come is missed once', () => {
  assert.deepEqual(play([1, 2], [4], [5], [6], [7]), [false, false, true, false, false]);
});

test('one that was overtaken is not missed', () => {
  assert.deepEqual(play([1, 3], [2, 4], [5], [6]), [false, false, false, false]);
  assert.deepEqual(play([2, 1], [3], [4]), [false, false, false]);
});

test('senders do not mix, and who starts anew expects nothing of before', () => {
  const missed = createMissedMessages();
  for (const number of [1, 5]) missed.note('a', number);
  missed.note('b', 1);
  assert.deepEqual([missed.check('a'), missed.check('b'), missed.check('c')], [false, false, false]);
  missed.startAnew();
  missed.note('a', 9);
  assert.equal(missed.check('a'), false);
  assert.equal(missed.check('a'), false);
});
