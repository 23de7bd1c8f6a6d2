import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadJson, parseServerName } from '../matrix/index.ts';
import { readServerKeys, UnusableServerKeys } from './server-keys.ts';
import { type JsonObject, signJson } from './sign-json.ts';
import { generateSigningKey, publicTextOf, type SigningKey } from './signing-key.ts';

const SERVER = parseServerName('origin.example');
const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function documentOf(keys: readonly SigningKey[], more: JsonObject = {}): JsonObject {
  return {
    server_name: SERVER,
    valid_until_ts: NOW + HOUR,
    verify_keys: Object.fromEntries(keys.map((key) => [key.keyId, { key: publicTextOf(key) }])),
    old_verify_keys: {},
    ...more,
  };
}

function signed(keys: readonly SigningKey[], more: JsonObject = {}): JsonObject {
  return keys.reduce<JsonObject>((document, key) => signJson(document, SERVER, key), documentOf(keys, more));
}

function assertUnusable(document: unknown, complaint: RegExp): void {
  assert.throws(
    () => readServerKeys(document, SERVER, NOW),
    (error) => error instanceof UnusableServerKeys && complaint.test(error.message),
    JSON.stringify(document),
  );
}

const RESOLVE_MATRIX = parseServerName('x.resolvematrix.dev');
const REAL_KEY = { 'ed25519:AY4k3ADlto8': { key: 'VF7dl9W/tFWAjZSXm42Ef22k3v4WKBYLXZF9I7ErU00' } };

test('KEY-3: a key document of a real server passes', () => {
  const document = {
    old_verify_keys: {},
    server_name: RESOLVE_MATRIX,
    valid_until_ts: 1701057124839,
    verify_keys: REAL_KEY,
    signatures: {
      [RESOLVE_MATRIX]: {
        'ed25519:AY4k3ADlto8': '3WlsmHFTVjywCoDYyrtx3ies+VufTuBuw1Prlgmoqh+a4XrJT+isEwhTX+I5FBvtJTKTt6vLH3gaP7BA6712CA',
      },
    },
  };
  const { verifyKeys, validUntilTs } = readServerKeys(document, RESOLVE_MATRIX, 1701057124838);
  assert.deepEqual([...verifyKeys.keys()], ['ed25519:AY4k3ADlto8']);
  assert.equal(validUntilTs, 1701057124839);
});

test('KEY-3: a key that was slipped in, and signs for a key that does not, is refused', () => {
  const document = {
    old_verify_keys: {},
    server_name: RESOLVE_MATRIX,
    valid_until_ts: 1701055573679,
    verify_keys: { ...REAL_KEY, 'ed25519:injected': { key: 'w48CLiV1IkWoEbqJLFmniGUYtxwT+c2zm87X8oEpRO8' } },
    signatures: {
      [RESOLVE_MATRIX]: {
        'ed25519:injected': 'FB93YAF+fOPyWcsx285Q/xFzRiG5sr7/u1iX9XWaIcOwDyDDwx7daS1eYxuM9PfosWE5vqUyTsCxmB40JTzdCw',
      },
    },
  };
  assert.throws(
    () => readServerKeys(document, RESOLVE_MATRIX, 1701055573678),
    /^Error: The keys are not signed with the key ed25519:AY4k3ADlto8, or badly$/,
  );
});

test('KEY-3: every key has to have signed, and signatures of others neither help nor harm', () => {
  const [one, two, other] = [generateSigningKey(), generateSigningKey(), generateSigningKey()];
  const both = signed([one, two]);
  assert.deepEqual([...readServerKeys(both, SERVER, NOW).verifyKeys.keys()], [one.keyId, two.keyId]);
  const more = signJson(signJson(both, 'notary.example', other), SERVER, other);
  assert.equal(readServerKeys({ ...more, unsigned: { a: 1 } }, SERVER, NOW).verifyKeys.size, 2);
  assertUnusable(signJson(documentOf([one, two]), SERVER, one), /not signed with the key/);
  assertUnusable(signJson(documentOf([one]), 'notary.example', one), /not signed with the key/);
  assertUnusable({ ...both, valid_until_ts: NOW + DAY }, /not signed with the key/);
});

test('KEY-3: keys of another server are refused, whoever has signed them', () => {
  const key = generateSigningKey();
  assertUnusable(signed([key], { server_name: 'other.example' }), /another server/);
  assertUnusable(signed([key], { server_name: 'ORIGIN.example' }), /another server/);
});

test('KEY-1: a document that lacks something, or has it in another form, is refused', () => {
  const key = generateSigningKey();
  for (const nothing of [undefined, null, 'text', [], 1]) assertUnusable(nothing, /not an object/);
  assertUnusable(signed([key], { valid_until_ts: null }), /until when/);
  assertUnusable(signed([key], { valid_until_ts: String(NOW + HOUR) }), /until when/);
  assertUnusable(documentOf([key]), /not signed/);
  assertUnusable(signed([]), /no Ed25519 key/);
  assertUnusable(signed([], { verify_keys: [] }), /no Ed25519 key/);
  for (const damaged of [null, {}, { key: 5 }, { key: 'AAAA' }, { key: '-_-' }, { key: 'A'.repeat(44) }]) {
    const verifyKeys = { [key.keyId]: { key: publicTextOf(key) }, 'ed25519:other': damaged };
    assertUnusable(signed([key], { verify_keys: verifyKeys }), /ed25519:other is no Ed25519 key/);
  }
  assertUnusable(signed(Array.from({ length: 33 }, () => generateSigningKey())), /more than 32 keys/);
  assert.throws(() => readServerKeys({ ...signed([key]), fraction: 0.5 }, SERVER, NOW), BadJson);
});

test('KEY-2: keys of other algorithms are passed over', () => {
  const key = generateSigningKey();
  const verifyKeys = { [key.keyId]: { key: publicTextOf(key) }, 'ed448:1': { key: 'whatever' }, odd: 7 };
  const { verifyKeys: found } = readServerKeys(signed([key], { verify_keys: verifyKeys }), SERVER, NOW);
  assert.deepEqual([...found.keys()], [key.keyId]);
});

test('KEY-5: keys are valid until the server says, and for seven days at most', () => {
  const key = generateSigningKey();
  assert.equal(readServerKeys(signed([key]), SERVER, NOW).validUntilTs, NOW + HOUR);
  const long = signed([key], { valid_until_ts: NOW + 900 * DAY });
  assert.equal(readServerKeys(long, SERVER, NOW).validUntilTs, NOW + 7 * DAY);
  assertUnusable(signed([key], { valid_until_ts: NOW }), /not valid any more/);
  assert.equal(readServerKeys(signed([key], { valid_until_ts: NOW + 1 }), SERVER, NOW).validUntilTs, NOW + 1);
});

test('KEY-5: a key that the server calls old is none, also when it is among the current ones', () => {
  const [current, old] = [generateSigningKey(), generateSigningKey()];
  const expired = { [old.keyId]: { key: publicTextOf(old), expired_ts: NOW - DAY } };
  const apart = readServerKeys(signed([current], { old_verify_keys: expired }), SERVER, NOW);
  assert.deepEqual([...apart.verifyKeys.keys()], [current.keyId]);
  const mixed = readServerKeys(signed([current, old], { old_verify_keys: expired }), SERVER, NOW);
  assert.deepEqual([...mixed.verifyKeys.keys()], [current.keyId]);
});
