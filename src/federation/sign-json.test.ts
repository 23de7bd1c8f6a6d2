import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { BadJson, decodeBase64 } from '../matrix/index.ts';
import { type JsonObject, signJson, verifyJson } from './sign-json.ts';
import {
  generateSigningKey,
  makeSigningKey,
  publicTextOf,
  readVerifyKey,
  seedOf,
  verifyKeyOf,
  versionOf,
} from './signing-key.ts';

function keyOf(version: string, seed: string) {
  return makeSigningKey(version, decodeBase64(seed) ?? Buffer.alloc(0));
}

/** Of the specification's "Cryptographic Test Vectors". */
const specKey = keyOf('1', 'YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1');

test('JSON-7, JSON-9: objects get the signatures of the specification', () => {
  for (const [object, signature] of [
    [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
    [{ one: 1, two: 'Two' }, 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw'],
  ] as const) {
    const signed = signJson(object, 'domain', specKey);
    assert.deepEqual(signed, { ...object, signatures: { domain: { 'ed25519:1': signature } } });
    assert.ok(verifyJson(signed, 'domain', 'ed25519:1', verifyKeyOf(specKey)));
  }
});

// Key documents that other media repositories and homeservers have signed.
for (const [version, seed, publicText, validUntilTs, signature] of [
  [
    '1Pu3u3',
    '1Pu3u3solToI2pTdsHA4wj05bANnzPwJoxPepw2he2s=',
    'uBatSEbBO6u7SNwvNwVFCD4XGaS0ikPI1PMgP5nlh3c',
    1701584534175,
    'ya8NhdqVGZp8vhEgmtfIdm7gIEiLpcbp/0H2m+36nto/mXLDaGulkaQB/p7iftksiboTg/yK4BAzjWO0zFz7DQ',
  ],
  [
    'a_RVfN',
    'wdSWsTNSOmMuNA1Ej6JUyeNbiBEt5jexHmVs7mHKZVc=',
    'N1wtx39rXnuCsbjt3Yhrb0jkPI/zI5kphIV9ai1enW0',
    1701065483311,
    'hCcSfyiyMPZU93ysk+r62aC0nkbUKRgzwzRpPO85VUshILT64fg5mPykMUb/XU0G3Tr7/Qn8uTpdPkoZ3B+QDw',
  ],
  [
    'e5d0oC',
    'PJt0OaIImDJk8P/PDb4TNQHgI/1AA1C+AaQaABxAcgc=',
    'TohekYXzLx7VzV8FtLQlI3XsSdPv1CjhVYY5rZmFCvU',
    1700979986627,
    'FRIe4KJ5kdnBXJgQCgC057YcHafHZmidNqYtSSWLU7QMgDu8uMHWcuPPack8zys1GeLdgS9d5YolmyOVQT9WDA',
  ],
] as const) {
  test(`JSON-7: key ${version} makes the public key and the signature that it makes elsewhere`, () => {
    const key = keyOf(version, seed);
    assert.equal(publicTextOf(key), publicText);
    const signed = signJson(
      {
        old_verify_keys: {},
        server_name: 'localhost',
        valid_until_ts: validUntilTs,
        verify_keys: { [key.keyId]: { key: publicText } },
      },
      'localhost',
      key,
    );
    assert.deepEqual(signed.signatures, { localhost: { [key.keyId]: signature } });
  });
}

test('JSON-7: what is not signed, and who has signed before, stays', () => {
  const first = signJson({ a: 1, unsigned: { age: 5 } }, 'one.example', specKey);
  const other = generateSigningKey();
  const both = signJson(signJson(first, 'two.example', other), 'one.example', other);
  assert.deepEqual(both['unsigned'], { age: 5 });
  const later: JsonObject = { ...both, unsigned: { age: 900 } };
  assert.ok(verifyJson(later, 'one.example', specKey.keyId, verifyKeyOf(specKey)));
  assert.ok(verifyJson(later, 'one.example', other.keyId, verifyKeyOf(other)));
  assert.ok(verifyJson(later, 'two.example', other.keyId, verifyKeyOf(other)));
});

test('JSON-8: no signature of the server, of the key, or none that is good proves nothing', () => {
  const verifyKey = verifyKeyOf(specKey);
  const signed = signJson({ a: 1 }, 'one.example', specKey);
  const good = signed.signatures['one.example'] as Readonly<Record<string, string>>;
  assert.ok(verifyJson(signed, 'one.example', 'ed25519:1', verifyKey));
  const cases: readonly [JsonObject, string, `ed25519:${string}`][] = [
    [{ ...signed, a: 2 }, 'one.example', 'ed25519:1'],
    [signed, 'two.example', 'ed25519:1'],
    [signed, 'one.example', 'ed25519:2'],
    [signed, 'toString', 'ed25519:1'],
    [{ a: 1 }, 'one.example', 'ed25519:1'],
    [{ a: 1, signatures: null }, 'one.example', 'ed25519:1'],
    [{ a: 1, signatures: { 'one.example': [] } }, 'one.example', 'ed25519:1'],
    [{ a: 1, signatures: { 'one.example': { 'ed25519:1': 5 } } }, 'one.example', 'ed25519:1'],
    [{ a: 1, signatures: { 'one.example': { 'ed25519:1': '' } } }, 'one.example', 'ed25519:1'],
    [{ a: 1, signatures: { 'one.example': { 'ed25519:1': 'not base64!' } } }, 'one.example', 'ed25519:1'],
    [{ a: 1, signatures: { 'one.example': { 'ed25519:1': good['ed25519:1']?.slice(4) } } }, 'one.example', 'ed25519:1'],
  ];
  for (const [object, serverName, keyId] of cases) {
    assert.equal(verifyJson(object, serverName, keyId, verifyKey), false, JSON.stringify(object));
  }
  assert.equal(verifyJson(signed, 'one.example', 'ed25519:1', verifyKeyOf(generateSigningKey())), false);
  const padded = { a: 1, signatures: { 'one.example': { 'ed25519:1': `${good['ed25519:1']}==` } } };
  assert.ok(verifyJson(padded, 'one.example', 'ed25519:1', verifyKey), 'padding is harmless');
});

test('JSON-2: what has no canonical form is neither signed nor verified', () => {
  assert.throws(() => signJson({ a: 0.5 }, 'one.example', specKey), BadJson);
  const signed = { ...signJson({}, 'one.example', specKey), a: 0.5 };
  assert.throws(() => verifyJson(signed, 'one.example', 'ed25519:1', verifyKeyOf(specKey)), BadJson);
});

test('JSON-8: what is signed verifies, and not after a change', () => {
  const key = generateSigningKey();
  const verifyKey = verifyKeyOf(key);
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (object) => {
      const signed = signJson(object, 'one.example', key);
      assert.ok(verifyJson(JSON.parse(JSON.stringify(signed)), 'one.example', key.keyId, verifyKey));
      assert.ok(!verifyJson({ ...signed, 'another member': 1 }, 'one.example', key.keyId, verifyKey));
    }),
  );
});

test('a new key is one of its own, and has the version that the format of key IDs allows', () => {
  const [one, other] = [generateSigningKey(), generateSigningKey()];
  assert.match(versionOf(one), /^[A-Za-z0-9]{6}$/);
  assert.notDeepEqual(seedOf(one), seedOf(other));
  assert.notEqual(one.keyId, other.keyId);
  assert.deepEqual(seedOf(makeSigningKey(versionOf(one), seedOf(one))), seedOf(one));
});

test('a key that is printed or becomes JSON does not show its secret', () => {
  const shown = `${inspect(specKey, { depth: 9, showHidden: true })} ${JSON.stringify(specKey)} ${specKey.privateKey}`;
  for (const encoding of ['base64', 'hex', 'latin1'] as const) {
    assert.ok(!shown.includes(seedOf(specKey).toString(encoding).slice(0, 8)));
  }
});

test('bytes that are too few or too many are no key', () => {
  for (const count of [0, 31, 33]) {
    assert.equal(readVerifyKey(Buffer.alloc(count)), undefined);
    assert.throws(() => makeSigningKey('1', Buffer.alloc(count)), RangeError);
  }
  for (const version of ['', 'a b', 'a"b', 'a,b', 'a\\b', 'a:b', 'ä', 'a\n', 'x'.repeat(256)]) {
    assert.throws(() => makeSigningKey(version, Buffer.alloc(32)), RangeError, version);
  }
});
