import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError } from './describe-error.ts';

test('every cause is told, what happened first last', () => {
  const first = new RangeError('first');
  const text = describeError(new Error('third', { cause: new TypeError('second', { cause: first }) }));
  assert.match(text, /^Error: third\n.*\ncaused by TypeError: second\n.*\ncaused by RangeError: first\n/s);
});

test('all errors of several are told', () => {
  const text = describeError(new AggregateError([new Error('one'), 'two'], 'both'));
  assert.match(text, /AggregateError: both.*caused by Error: one.*caused by two/s);
});

test('what is no error is told as text', () => {
  assert.equal(describeError('just words'), 'just words');
  assert.equal(describeError(undefined), 'undefined');
});

test('causes that go in circles come to an end', () => {
  const one = new Error('one');
  const other = new Error('other', { cause: one });
  one.cause = other;
  assert.match(describeError(one), /^Error: one\n.*caused by Error: other\n/s);
});
