import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { serverNameOfUser } from './user-id.ts';

test('the server name of a user ID is what follows the first colon', () => {
  const cases = {
    '@alice:example.org': 'example.org',
    '@alice:example.org:8448': 'example.org:8448',
    '@alice:[2001:db8::1]:8448': '[2001:db8::1]:8448',
    '@Älter User!:example.org': 'example.org', // historical, and still around
    '@:example.org': 'example.org',
  };
  for (const [userId, serverName] of Object.entries(cases)) assert.equal(serverNameOfUser(userId), serverName);
});

test('what is no user ID has no server name', () => {
  const lone = '\ud800';
  const cases = [
    '',
    '@',
    'alice:example.org',
    '@alice',
    '@alice:',
    '@alice:exa mple',
    '@a\nb:example.org',
    '@a\0:example.org',
  ];
  for (const text of [...cases, `@${lone}:example.org`, `@${'a'.repeat(250)}:example.org`]) {
    assert.equal(serverNameOfUser(text), undefined, JSON.stringify(text));
  }
});

test('any text is either no user ID or ends with its server name', () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary-ascii' }),
        fc.string().map((text) => `@${text}:example.org`),
      ),
      (text) => {
        const serverName = serverNameOfUser(text);
        assert.ok(serverName === undefined || (text.startsWith('@') && text.endsWith(`:${serverName}`)));
      },
    ),
  ));
