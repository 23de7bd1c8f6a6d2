import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redactUrl } from './redact-url.ts';

const CASES: readonly [url: string, redacted: string][] = [
  ['/path', '/path'],
  ['/path?width=1&height=2', '/path?width=1&height=2'],
  ['/path?access_token=secret', '/path?access_token=redacted'],
  ['/path?a=1&access_token=secret&b=2', '/path?a=1&access_token=redacted&b=2'],
  ['/path?ACCESS_TOKEN=secret', '/path?ACCESS_TOKEN=redacted'],
  ['/path?access%5Ftoken=secret', '/path?access%5Ftoken=redacted'],
  ['/path?%61ccess_token=secret', '/path?%61ccess_token=redacted'],
  ['/path?access_token=sec=ret?x', '/path?access_token=redacted'],
  ['/path?access_token=one&access_token=two', '/path?access_token=redacted&access_token=redacted'],
  ['/path?my_access_token=shown', '/path?my_access_token=shown'],
  ['/access_token=shown', '/access_token=shown'],
];
for (const [url, redacted] of CASES) {
  test(`${url} is logged as ${redacted}`, () => assert.equal(redactUrl(url), redacted));
}

test('whichever characters of the key are escaped, the token is not in the log', () => {
  const key = fc.tuple(
    ...[...'access_token'].map((char) => fc.constantFrom(char, `%${char.charCodeAt(0).toString(16)}`)),
  );
  fc.assert(fc.property(key, (chars) => !redactUrl(`/path?a=b&${chars.join('')}=secret&c=d`).includes('secret')));
});
