import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readToken } from './read-token.ts';

test('the token stands behind "Bearer", however that is written', () => {
  for (const authorization of [
    'Bearer abc',
    'bearer abc',
    'BEARER abc',
    'Bearer   abc',
    'Bearer\tabc ',
    'bEaReR abc  ',
  ]) {
    assert.equal(readToken({ authorization }, {}), 'abc', authorization);
  }
  assert.equal(readToken({ authorization: 'Bearer Bearer' }, {}), 'Bearer');
});

test('without a header, the query has it', () => {
  assert.equal(readToken({}, { access_token: 'abc' }), 'abc');
  assert.equal(readToken({ authorization: undefined }, { access_token: ' a b ' }), ' a b ');
  assert.equal(readToken({}, { access_token: ['abc', 'def'] }), 'abc', 'of several, the first');
});

test('the header wins over the query', () => {
  assert.equal(readToken({ authorization: 'Bearer abc' }, { access_token: 'def' }), 'abc');
});

test('a header without one token is no token, and the query is then not looked at', () => {
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Basic abc',
    'abc',
    'Bearerabc',
    'X-Matrix origin=a',
  ]) {
    assert.equal(readToken({ authorization }, { access_token: 'def' }), undefined, authorization);
  }
});

test('an empty or odd token in the query is none', () => {
  for (const access_token of ['', [], ['', 'abc'], [['abc']], 5, null, undefined, {}]) {
    assert.equal(readToken({}, { access_token }), undefined);
  }
  assert.equal(readToken({}, {}), undefined);
});

test('any token without blanks comes out as it went in', () =>
  fc.assert(
    fc.property(fc.stringMatching(/^[\x21-\x7e]{1,80}$/), (token) => {
      assert.equal(readToken({ authorization: `Bearer ${token}` }, {}), token);
      assert.equal(readToken({}, { access_token: token }), token);
    }),
  ));
