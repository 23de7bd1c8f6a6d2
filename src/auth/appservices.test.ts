import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findAppserviceUser, prepareAppservices } from './appservices.ts';

const bridge = {
  id: 'bridge',
  asToken: 'bridge_token',
  senderUserId: '@bridge:example.org',
  userNamespaces: [{ regex: '@_bridge_.*:example\\.org' }, { regex: '@ghost:example\\.org' }],
};
const withRegex = (regex: string) => ({ ...bridge, userNamespaces: [{ regex }] });

function find(entries: readonly (typeof bridge)[], token: string, userId?: string, serverName = 'example.org') {
  return findAppserviceUser(prepareAppservices(entries), { token, userId, serverName });
}

const user = (userId: string) => ({ answer: 'user', userId });
const refused = { answer: 'refused', appserviceId: 'bridge' };
const unknown = { answer: 'unknown' };

test('AS-4: without a user_id, or with its own, it is the sender', () => {
  assert.deepEqual(find([bridge], 'bridge_token'), user('@bridge:example.org'));
  assert.deepEqual(find([bridge], 'bridge_token', '@bridge:example.org'), user('@bridge:example.org'));
});

test('it may be any user of any of its namespaces', () => {
  for (const userId of ['@_bridge_1:example.org', '@_bridge_:example.org', '@ghost:example.org']) {
    assert.deepEqual(find([bridge], 'bridge_token', userId), user(userId));
  }
});

test('AS-4: a namespace has to match the whole user ID, anchored or not', () => {
  const userId = '@_b_1:example.org';
  for (const regex of ['@_b_.*', '^@_b_.*', '@_b_.*:example\\.org$', '@_b_.*:.*', '@nobody|@_b_.*', '(?i)@_B_.*']) {
    assert.deepEqual(find([withRegex(regex)], 'bridge_token', userId), user(userId), regex);
  }
  for (const regex of ['_b_.*', '@_b_', '@_b_[0-9]', ':example\\.org', '', '@_b_|:example\\.org', '@_B_.*']) {
    assert.deepEqual(find([withRegex(regex)], 'bridge_token', userId), refused, regex);
  }
});

test('it may be nobody else, and no user of another server, whatever its namespaces say', () => {
  assert.deepEqual(find([bridge], 'bridge_token', '@alice:example.org'), refused);
  for (const userId of ['@alice:other.example.org', '@alice:example.org:8448', '@alice', 'alice', '@a\0:example.org']) {
    assert.deepEqual(find([withRegex('.*')], 'bridge_token', userId), refused, userId);
  }
});

test('a token that no entry has is left to the homeserver', () => {
  for (const token of ['', 'bridge_toke', 'bridge_token_', 'BRIDGE_TOKEN', 'other']) {
    assert.deepEqual(find([bridge], token), unknown);
  }
  assert.deepEqual(find([], 'bridge_token'), unknown);
});

test('an entry without a token knows nobody', () => {
  assert.deepEqual(find([{ ...bridge, asToken: '' }], ''), unknown);
});

test('an entry whose sender is of another domain does not count here', () => {
  for (const userId of [undefined, '@bridge:example.org', '@_bridge_1:example.org', '@_bridge_1:other.example.org']) {
    assert.deepEqual(find([bridge], 'bridge_token', userId, 'other.example.org'), unknown);
  }
  assert.deepEqual(find([{ ...bridge, senderUserId: 'no user ID' }], 'bridge_token'), unknown);
});

test('an entry without a sender acts for its namespaces only', () => {
  const nameless = { ...bridge, senderUserId: '' };
  assert.deepEqual(find([nameless], 'bridge_token', '@_bridge_1:example.org'), user('@_bridge_1:example.org'));
  assert.deepEqual(find([nameless], 'bridge_token'), unknown, 'who it is, only the homeserver knows');
  assert.deepEqual(find([nameless], 'bridge_token', '@alice:example.org'), refused);
});

test('of several entries with one token, each may allow', () => {
  const second = { ...withRegex('@s_.*'), id: 'second', senderUserId: '@second:example.org' };
  const nameless = { ...bridge, senderUserId: '' };
  assert.deepEqual(find([bridge, second], 'bridge_token', '@s_1:example.org'), user('@s_1:example.org'));
  assert.deepEqual(find([bridge, second], 'bridge_token', '@second:example.org'), user('@second:example.org'));
  assert.deepEqual(find([nameless, second], 'bridge_token'), user('@second:example.org'));
});

test('a pattern that costs other engines forever costs nothing here', () => {
  const evil = withRegex('@((a+)+)+b:example\\.org');
  assert.deepEqual(find([evil], 'bridge_token', `@${'a'.repeat(200)}:example.org`), refused);
});

test('whoever comes out is the user that was asked for', () => {
  const regexes = fc.constantFrom('.*', '@_b_.*', '@.*:example\\.org');
  const localparts = fc.string({ unit: 'binary-ascii' });
  fc.assert(
    fc.property(localparts, regexes, (localpart, regex) => {
      const asked = `@_b_${localpart}:example.org`;
      const found = find([withRegex(regex)], 'bridge_token', asked);
      assert.ok(found.answer === 'refused' || (found.answer === 'user' && found.userId === asked));
    }),
  );
});
