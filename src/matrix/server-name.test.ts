import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidParam } from './errors.ts';
import { findServerNameProblem, parseServerName, splitHostAndPort } from './server-name.ts';

// MXC-5 to MXC-10.
const VALID = [
  'matrix.org',
  'matrix.org:8888',
  '1.2.3.4',
  '1.2.3.4:1234',
  '[1234:5678::abcd]',
  '[1234:5678::abcd]:5678',
  'localhost',
  'EXAMPLE.org',
  'xn--bcher-kva.example',
  '1.2.3.example',
  'a'.repeat(255),
];
const INVALID = [
  '',
  'a/b',
  '..',
  '.',
  '-',
  'exa mple.org',
  'example.org:',
  'example.org:123456',
  'example.org:0',
  'example.org:65536',
  'example.org:8x',
  '[::1',
  '[::1]x',
  '[fe80::1%eth0]',
  '[]',
  '::1',
  'user@example.org',
  'example.org#x',
  'a_b.example',
  '1.2.3.400',
  '1.2.3.4.5:80:80',
  'example%2eorg',
  'example.org\0',
  'example.org\n',
  'münchen.example',
  'a'.repeat(256),
];

for (const name of VALID) {
  test(`"${name.slice(0, 40)}" is a server name`, () => {
    assert.equal(findServerNameProblem(name), undefined);
    assert.equal(parseServerName(name), name);
  });
}

for (const name of INVALID) {
  test(`${JSON.stringify(name.slice(0, 40))} is not a server name, and the error says why`, () => {
    assert.throws(
      () => parseServerName(name),
      (error) => error instanceof InvalidParam && /is not a server name: /.test(error.message),
    );
  });
}

test('nothing that could leave a folder, end a header or change a path is ever a server name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      if (findServerNameProblem(text) !== undefined) return;
      assert.match(text, /^[A-Za-z0-9.:[\]-]+$/);
      assert.ok(!text.includes('..'));
    }),
  );
});

test('host and port can be put together again', () => {
  fc.assert(
    fc.property(fc.constantFrom(...VALID), (name) => {
      const { host, port } = splitHostAndPort(name);
      assert.equal(port === undefined ? host : `${host}:${port}`, name);
    }),
  );
});
