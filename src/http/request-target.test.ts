import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { authorityOf, decodedPath, hasTrailingSlash, readableTarget } from './request-target.ts';

const TARGETS: readonly [sent: string, read: string][] = [
  ['/a/b?c=%zz', '/a/b?c=%zz'],
  ['/a%20b/%2F', '/a%20b/%2F'],
  ['/100%', '/100%25'],
  ['/%zz/%41', '/%25zz/%41'],
  ['/%ff?%ff', '/%25ff?%ff'],
  ['/%c0%ae%c0%ae', '/%25c0%25ae%25c0%25ae'],
  ['/%E0%A4%A/abc', '/%25E0%25A4%25A/abc'],
  ['/%F0%9F%90%94', '/%F0%9F%90%94'],
  ['http://example.org/a?b', '/a?b'],
  ['HTTPS://user@example.org:80?b', '/?b'],
  ['http://example.org', '/'],
  ['http:///a', '/a'],
  ['*', '/*'],
  ['foo://example.org/a', '/foo://example.org/a'],
];
for (const [sent, read] of TARGETS) {
  test(`the target ${sent} is read as ${read}`, () => assert.equal(readableTarget(sent), read));
}

test('whatever the target, what is read begins with a slash, can be decoded, and is read the same again', () => {
  const piece = fc.oneof(
    fc.constantFrom('%', '%2', '%2f', '%41', '%ff', '%F0%9F%90%94', '%ed%a0%80', '/', '?', '#', 'http://', '*'),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
      const read = readableTarget(pieces.join(''));
      assert.ok(read.startsWith('/'));
      assert.equal(typeof decodedPath(read), 'string');
      assert.equal(typeof decodeURI(read.split(/[?#]/, 1)[0] ?? ''), 'string');
      assert.equal(readableTarget(read), read);
    }),
  );
});

test('one path is one text, however it is written', () => {
  for (const written of ['/version', '/%76ersion', '/v%65rsion?a=b', '/version#c', 'http://example.org/%76ersion']) {
    assert.equal(decodedPath(readableTarget(written)), '/version', written);
  }
});

test('only an absolute URL has an authority', () => {
  assert.equal(authorityOf('http://Example.org:80/a'), 'Example.org:80');
  assert.equal(authorityOf('https://user@example.org?a'), 'user@example.org');
  assert.equal(authorityOf('/http://example.org'), undefined);
  assert.equal(authorityOf('*'), undefined);
});

test('a slash at the end of the path is seen, one in the query is not', () => {
  for (const path of ['/', '/a/', '/a/?b', '/a/#b']) assert.ok(hasTrailingSlash(path), path);
  for (const path of ['/a', '/a?b/', '/a%2F']) assert.equal(hasTrailingSlash(path), false, path);
});
