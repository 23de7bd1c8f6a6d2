import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerName } from '../matrix/index.ts';
import { isServerAllowed } from './server-lists.ts';

const pass = (name: string, lists: { readonly allow?: readonly string[]; readonly deny?: readonly string[] }) =>
  isServerAllowed(parseServerName(name), { allow: [], deny: [], ...lists });

for (const [what, name, lists, passes] of [
  ['without lists every server passes', 'example.org', {}, true],
  ['a server that is not allowed does not', 'example.org', { allow: ['example.net'] }, false],
  ['a server that is allowed does', 'example.net', { allow: ['example.net'] }, true],
  ['one that is allowed and denied does not', 'example.net', { allow: ['*'], deny: ['example.net'] }, false],
  ['an asterisk stands for any text', 'a.b.example.net', { allow: ['*.example.net'] }, true],
  ['a dot is a dot', 'notexample.net', { deny: ['*.example.net'] }, true],
  ['a name below is another server', 'a.example.net', { deny: ['example.net'] }, true],
  ['case does not count', 'Example.NET', { deny: ['eXample.net'] }, false],
  ['another port is no way round', 'example.net:1234', { deny: ['example.net'] }, false],
  ['a pattern may name one port', 'example.net:1234', { deny: ['example.net:8448'] }, true],
  ['addresses are names as well', '10.0.0.1:8448', { deny: ['10.*'] }, false],
  ['IPv6 addresses too', '[2001:db8::1]:8448', { deny: ['[2001:db8::1]'] }, false],
  ['the dot of the root is no way round', 'example.net.', { deny: ['example.net'] }, false],
  ['nor is it with a port', 'example.net.:1234', { deny: ['example.net'] }, false],
  ['nor below a pattern', 'a.example.net.', { deny: ['*.example.net'] }, false],
  ['a pattern may have that dot', 'example.net', { deny: ['example.net.'] }, false],
  ['a zero before the port is no way round', 'example.net:08448', { deny: ['example.net:8448'] }, false],
  ['another spelling of an IPv6 address is none', '[2001:DB8:0::0:1]:8448', { deny: ['[2001:db8::1]'] }, false],
  ['the list may spell it otherwise, too', '[2001:db8::1]', { deny: ['[2001:0DB8::0001]'] }, false],
  ['an IPv4 address within IPv6 is that address', '[::ffff:10.0.0.1]', { deny: ['10.*'] }, false],
  ['and for the allowed as well', 'example.net.', { allow: ['example.net'] }, true],
] as const) {
  test(`lists of servers: ${what}`, () => {
    assert.equal(pass(name, lists), passes);
  });
}
