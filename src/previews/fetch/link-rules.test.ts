import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLinkProblem } from './link-rules.ts';

const DENIED = [
  '*.internal.example',
  'wiki.example',
  '*://shop.example/private*',
  'https://api.example:8443/*',
  '*.bücher.example',
];

const ALLOWED = [
  'https://example.org/',
  'http://example.org:8080/x',
  'https://internal.example/',
  'https://notwiki.example/',
  'https://shop.example/',
  'https://shop.example/?private',
  'https://api.example/x',
];
const REFUSED = [
  'https://a.internal.example/',
  'https://A.B.INTERNAL.example./x',
  'http://wiki.example:8080/x',
  'http://shop.example/private',
  'https://shop.example/%70riv%61te/x',
  'https://shop.example./private',
  'https://SHOP.example/PRIVATE',
  'https://shop.example//private',
  'https://shop.example/x%2F..%2fprivate',
  'https://a.bücher.example/',
  'https://a.xn--bcher-kva.example/',
  'https://api.example:8443/x?y',
  'https://user@example.org/',
  'https://:password@example.org/',
  'http://example.org:22/',
  'https://example.org:6379/',
  'ftp://example.org/',
  'file:///etc/passwd',
];

for (const link of ALLOWED) {
  test(`${link} may be asked for`, () => assert.equal(findLinkProblem(new URL(link), DENIED), undefined));
}
for (const link of REFUSED) {
  test(`${link} is not asked for`, () => assert.equal(typeof findLinkProblem(new URL(link), DENIED), 'string'));
}

test('bytes in a link that are no text do not end the look at it', () => {
  assert.equal(findLinkProblem(new URL('https://example.org/%ff%fe'), DENIED), undefined);
  assert.equal(typeof findLinkProblem(new URL('https://shop.example/private%ff'), DENIED), 'string');
});
