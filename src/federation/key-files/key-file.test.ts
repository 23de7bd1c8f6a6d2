import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeSigningKey, type SigningKey, seedOf } from '../signing-key.ts';
import { formatKeyFile, KEY_FILE_FORMATS, parseKeyFile } from './key-file.ts';
import { KeyFileProblem } from './key-file-problem.ts';

function keyOf(version: string, seed: string): SigningKey {
  return makeSigningKey(version, Buffer.from(seed, 'base64'));
}

const MMR_FILE = `-----BEGIN MMR PRIVATE KEY-----
Key-ID: ed25519:e5d0oC
Version: 1

PJt0OaIImDJk8P/PDb4TNQHgI/1AA1C+AaQaABxAcgc=
-----END MMR PRIVATE KEY-----
-----BEGIN MMR PRIVATE KEY-----
Key-ID: ed25519:CjtBYA
Version: 1

Xj/gSXAtSOTPG54sAWjm9BMVNX/Pa8ujIzwYbvLk7mM=
-----END MMR PRIVATE KEY-----
`;
const DENDRITE_FILE = `-----BEGIN MATRIX PRIVATE KEY-----
Key-ID: ed25519:1Pu3u3

1Pu3u3solToI2pTdsHA4wj05bANnzPwJoxPepw2he2s=
-----END MATRIX PRIVATE KEY-----
-----BEGIN MATRIX PRIVATE KEY-----
Key-ID: ed25519:wBZqM2

YOA4wuCQ+Wh7Vr+zmYSZpScnrgsrSAVtP89hn0zPO+s=
-----END MATRIX PRIVATE KEY-----
`;
const SYNAPSE_FILE = `ed25519 a_RVfN wdSWsTNSOmMuNA1Ej6JUyeNbiBEt5jexHmVs7mHKZVc
ed25519 IZJY6A dvA8xfimUqog15zY6n5uRfVHb/pQ0sw9jRORJslYsoI`;

const VECTORS = {
  mmr: {
    text: MMR_FILE,
    keys: [
      keyOf('e5d0oC', 'PJt0OaIImDJk8P/PDb4TNQHgI/1AA1C+AaQaABxAcgc='),
      keyOf('CjtBYA', 'Xj/gSXAtSOTPG54sAWjm9BMVNX/Pa8ujIzwYbvLk7mM='),
    ],
  },
  dendrite: {
    text: DENDRITE_FILE,
    keys: [
      keyOf('1Pu3u3', '1Pu3u3solToI2pTdsHA4wj05bANnzPwJoxPepw2he2s='),
      keyOf('wBZqM2', 'YOA4wuCQ+Wh7Vr+zmYSZpScnrgsrSAVtP89hn0zPO+s='),
    ],
  },
  synapse: {
    text: SYNAPSE_FILE,
    keys: [
      keyOf('a_RVfN', 'wdSWsTNSOmMuNA1Ej6JUyeNbiBEt5jexHmVs7mHKZVc='),
      keyOf('IZJY6A', 'dvA8xfimUqog15zY6n5uRfVHb/pQ0sw9jRORJslYsoI'),
    ],
  },
} as const;

function secretsOf(keys: readonly SigningKey[]) {
  return keys.map((key) => [key.keyId, seedOf(key).toString('base64')]);
}

for (const format of KEY_FILE_FORMATS) {
  const { text, keys } = VECTORS[format];
  test(`${format}: a file is recognised, its keys keep their order, and it is written again byte by byte`, () => {
    const file = parseKeyFile(text);
    assert.equal(file.format, format);
    assert.deepEqual(secretsOf(file.keys), secretsOf(keys));
    assert.equal(formatKeyFile(format, file.keys), text);
  });

  test(`${format}: line ends of Windows, empty lines at the end and a missing last line end make no difference`, () => {
    for (const changed of [text.replaceAll('\n', '\r\n'), `${text}\n\n  \n`, text.trimEnd()]) {
      assert.deepEqual(secretsOf(parseKeyFile(changed).keys), secretsOf(keys));
    }
  });
}

test('a PEM file may begin with a remark, hold blocks of other kinds, and lack the empty line after the headers', () => {
  const other = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const text = `the key of example.org\n${other}${MMR_FILE.replace('Version: 1\n\n', 'Version: 1\n')}`;
  assert.deepEqual(secretsOf(parseKeyFile(text).keys), secretsOf(VECTORS.mmr.keys));
});

test('bytes behind the 32nd are ignored, as matrix-media-repo does', () => {
  const long = Buffer.concat([seedOf(VECTORS.synapse.keys[0]), Buffer.alloc(32, 1)]).toString('base64');
  const file = parseKeyFile(`ed25519 a_RVfN ${long}`);
  assert.deepEqual(secretsOf(file.keys), secretsOf([VECTORS.synapse.keys[0]]));
});

for (const [what, text, complaint] of [
  ['an empty file', '', /^the file is empty$/],
  ['a file with empty lines only', '\n \n', /^the file is empty$/],
  ['a text', 'hello', /^there is no key in the file; allowed: .*Synapse.*Dendrite.*matrix-media-repo/],
  ['a key of another program', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /^there is no key/],
  ['another algorithm', `${SYNAPSE_FILE}\nrsa 1 AAAA`, /^line 3: .* "ed25519"$/],
  ['a line with a word too few', 'ed25519 AAAA', /^line 1: the line is not/],
  ['a line with a word too many', `${SYNAPSE_FILE} x`, /^line 2: the line is not/],
  ['a short key', '\ned25519 a AAAA', /^line 2: the key has 3 bytes; allowed: 32$/],
  ['a key that is not base64', 'ed25519 a A-_A', /^line 1: the key is not in standard base64$/],
  ['a version with a colon', SYNAPSE_FILE.replace('a_RVfN', 'a:b'), /^line 1: the version of the key cannot be used/],
  ['a block without an end', MMR_FILE.slice(0, -10), /^line 7: the block "MMR PRIVATE KEY" .* no end$/],
  ['text after the last block', `${MMR_FILE}\nx`, /^line 14: nothing may follow the last block$/],
  ['a block without Key-ID', MMR_FILE.replace(/^Key-ID.*\n/, '').replace(/Key-ID.*\n/, ''), /^line 1: .*"Key-ID"$/],
  ['a Key-ID of another algorithm', DENDRITE_FILE.replace('ed25519', 'rsa'), /^line 2: the Key-ID does not begin/],
  ['an MMR block of a later version', MMR_FILE.replace('Version: 1', 'Version: 2'), /^line 3: .*"Version: 1"$/],
  ['an MMR block without a version', MMR_FILE.replace('Version: 1\n', ''), /^line 1: .*"Version: 1"$/],
  ['a block without a key', MMR_FILE.replace(/^PJt.*\n/m, ''), /^line 1: the key has 0 bytes; allowed: 32$/],
  ['a damaged key', MMR_FILE.replace('PJt0', '!!!!'), /^line 5: the key is not in standard base64$/],
  [
    'blocks of two kinds',
    MMR_FILE + DENDRITE_FILE,
    /^line 13: the file has a "MMR PRIVATE KEY" too; allowed: one kind$/,
  ],
] as const) {
  test(`${what} is refused with the line and the reason, and without what stands in the line`, () => {
    assert.throws(
      () => parseKeyFile(text),
      (error) => {
        assert.ok(error instanceof KeyFileProblem);
        assert.match(error.message, complaint);
        const words = text.split(/\s+/).filter((word) => word.length > 20);
        assert.ok(words.every((word) => !error.message.includes(word)));
        return true;
      },
    );
  });
}

test('any keys written in any format are read again as the same keys', () => {
  const version = fc.string({ unit: fc.constantFrom(...'abcXYZ019_'), minLength: 1, maxLength: 20 });
  const key = fc.tuple(version, fc.uint8Array({ minLength: 32, maxLength: 32 }));
  fc.assert(
    fc.property(
      fc.constantFrom(...KEY_FILE_FORMATS),
      fc.array(key, { minLength: 1, maxLength: 5 }),
      (format, parts) => {
        const keys = parts.map(([name, seed]) => makeSigningKey(name, seed));
        const file = parseKeyFile(formatKeyFile(format, keys));
        assert.equal(file.format, format);
        assert.deepEqual(secretsOf(file.keys), secretsOf(keys));
      },
    ),
  );
});

test('whatever stands in a file, it is keys or a problem', () => {
  const pieces = fc.constantFrom(
    'ed25519 ',
    '-----BEGIN MMR PRIVATE KEY-----',
    '\n',
    'Key-ID: ed25519:a',
    ': ',
    '=',
    'AAAA',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
      try {
        parseKeyFile(parts.join(''));
      } catch (error) {
        assert.ok(error instanceof KeyFileProblem);
      }
    }),
  );
});
