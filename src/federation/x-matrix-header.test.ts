import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseServerName, Unauthorized } from '../matrix/index.ts';
import { formatXMatrix, parseXMatrix, type XMatrix } from './x-matrix-header.ts';

const EXPECTED: XMatrix = {
  origin: parseServerName('origin.example:8448'),
  destination: parseServerName('destination.example'),
  keyId: 'ed25519:a_1',
  signature: 'ABC+/def',
};
const WITHOUT_DESTINATION = { ...EXPECTED, destination: undefined };

for (const [what, header, expected] of [
  [
    'the form of the specification',
    'X-Matrix origin="origin.example:8448",destination="destination.example",key="ed25519:a_1",sig="ABC+/def"',
    EXPECTED,
  ],
  [
    'values without quotes, colons and all',
    'X-Matrix origin=origin.example:8448,destination=destination.example,key=ed25519:a_1,sig=ABC+/def',
    EXPECTED,
  ],
  [
    'any order, any case of scheme and names, spaces and tabs, empty items, unknown parameters',
    'x-MATRIX \t SIG="ABC+/def" , Key = ed25519:a_1\t,, ,future="a,b=\\"c\\"" ,Destination="destination.example",Origin="origin.example:8448",',
    EXPECTED,
  ],
  [
    'escapes within quotes',
    'X-Matrix origin="origin\\.example:8448",destination="destination.example",key="ed25519\\:a_1",sig="ABC+\\/def"',
    EXPECTED,
  ],
  ['no destination', 'X-Matrix origin="origin.example:8448",key="ed25519:a_1",sig="ABC+/def"', WITHOUT_DESTINATION],
  [
    'base64 with padding and without quotes',
    'X-Matrix origin=origin.example:8448,key=ed25519:a_1,sig=ABC=',
    { ...WITHOUT_DESTINATION, signature: 'ABC=' },
  ],
  [
    'an IPv6 address as a name',
    'X-Matrix origin="[::1]:8448",key="ed25519:a_1",sig="ABC+/def"',
    { ...WITHOUT_DESTINATION, origin: parseServerName('[::1]:8448') },
  ],
] as const) {
  test(`XM-5, XM-7, XM-8: ${what}: read`, () => assert.deepEqual(parseXMatrix(header), expected));
}

for (const header of [
  '',
  'Bearer abc',
  'X-Matrix',
  'X-Matrix ',
  'X-MatrixX origin="a.example",key="ed25519:1",sig="a"',
  'X-Matrix origin="a.example",key="ed25519:1"',
  'X-Matrix origin="a.example",sig="a"',
  'X-Matrix key="ed25519:1",sig="a"',
  'X-Matrix origin="a.example",key="ed25519:1",signature="a"',
  'X-Matrix origin="a.example",key="rsa:1",sig="a"',
  'X-Matrix origin="a.example",key="ed25519",sig="a"',
]) {
  test(`XM-9: ${header === '' ? 'nothing' : header} is no signature that could be checked`, () => {
    assert.equal(parseXMatrix(header), undefined);
  });
}

for (const [what, header] of [
  ['a parameter without a value', 'X-Matrix origin,key="ed25519:1",sig="a"'],
  ['an empty value without quotes', 'X-Matrix origin=,key="ed25519:1",sig="a"'],
  ['a quote that never ends', 'X-Matrix origin="a.example,key="ed25519:1",sig="a"'],
  ['text after a quote', 'X-Matrix origin="a.example"b,key="ed25519:1",sig="a"'],
  ['no comma', 'X-Matrix origin="a.example" key="ed25519:1",sig="a"'],
  ['a parameter twice', 'X-Matrix origin="a.example",key="ed25519:1",sig="a",origin="b.example"'],
  ['a parameter twice in different case', 'X-Matrix origin="a.example",key="ed25519:1",sig="a",SIG="b"'],
  ['an unknown parameter twice', 'X-Matrix origin="a.example",key="ed25519:1",sig="a",x=1,x=2'],
  ['an origin that is no server', 'X-Matrix origin="a/b",key="ed25519:1",sig="a"'],
  ['an empty destination', 'X-Matrix origin="a.example",destination="",key="ed25519:1",sig="a"'],
] as const) {
  test(`XM-5: ${what} is refused`, () => {
    assert.throws(
      () => parseXMatrix(header),
      (error) => {
        assert.ok(error instanceof Unauthorized);
        assert.deepEqual([error.status, error.errcode, error.mrErrcode], [401, 'M_UNAUTHORIZED', 'M_BAD_REQUEST']);
        return true;
      },
    );
  });
}

const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
);
const serverName = fc
  .tuple(host, fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }))
  .map(([name, port]) => parseServerName(port === undefined ? name : `${name}:${port}`));
const xMatrix: fc.Arbitrary<XMatrix> = fc.record(
  {
    origin: serverName,
    destination: fc.option(serverName, { nil: undefined }),
    keyId: fc.stringMatching(/^[A-Za-z0-9_]{1,20}$/).map((version) => `ed25519:${version}` as const),
    signature: fc.base64String({ minLength: 1 }).map((text) => text.replace(/=+$/, '')),
  },
  { noNullPrototype: true },
);

test('XM-6: what is written has no spaces but one, no escapes, and is read again as it was', () => {
  fc.assert(
    fc.property(xMatrix, (parts) => {
      const header = formatXMatrix(parts);
      assert.match(header, /^X-Matrix [^ \\]+$/);
      assert.deepEqual(parseXMatrix(header), parts);
    }),
  );
});

test('XM-7: quotes and spaces around commas make no difference', () => {
  fc.assert(
    fc.property(xMatrix, fc.constantFrom(',', ' ,', ', ', '\t,,'), (parts, comma) => {
      const header = formatXMatrix(parts).replaceAll('"', '').replaceAll(',', comma);
      assert.deepEqual(parseXMatrix(header), parts);
    }),
  );
});

test('XM-5: whatever is sent, it is read, passed over, or refused with 401', () => {
  const pieces = fc.constantFrom(
    'X-Matrix ',
    'origin=',
    'key=',
    'sig=',
    '"',
    '\\',
    ',',
    '=',
    ' ',
    'a.example',
    'ed25519:1',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
      try {
        parseXMatrix(`X-Matrix ${parts.join('')}`);
      } catch (error) {
        assert.ok(error instanceof Unauthorized);
      }
    }),
  );
});
