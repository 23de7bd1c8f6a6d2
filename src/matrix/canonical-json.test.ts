import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';
import { BadJson } from './errors.ts';

const LINE_SEPARATOR = '\u2028';

// Those of the specification first.
for (const [given, expected] of [
  ['{}', '{}'],
  ['{\n "one": 1,\n "two": "Two"\n}', '{"one":1,"two":"Two"}'],
  ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    '{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}',
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{"a":"日本語"}', '{"a":"日本語"}'],
  ['{"本":2,"日":1}', '{"日":1,"本":2}'],
  ['{"a":"\\u65E5"}', '{"a":"日"}'],
  ['{"a":null}', '{"a":null}'],
  ['{"a":-0,"b":1e10}', '{"a":0,"b":10000000000}'],
  ['{"a":1.0}', '{"a":1}'],
  ['[9007199254740991,-9007199254740991]', '[9007199254740991,-9007199254740991]'],
] as const) {
  test(`JSON-2, JSON-4: ${given.replace(/\s+/g, ' ').slice(0, 60)} is written as the specification does`, () => {
    assert.equal(canonicalJson(JSON.parse(given)), expected);
  });
}

test('JSON-1: names are sorted by code point, not by UTF-16 unit', () => {
  assert.equal(canonicalJson({ '😀': 1, '\uffee': 2, a: 3, A: 4, '': 5 }), '{"":5,"A":4,"a":3,"\uffee":2,"😀":1}');
});

test('JSON-3: what need not be escaped is not', () => {
  const text = `<&>${LINE_SEPARATOR}\u2029é"\\/\u0001\u001f\u007f\b\t\n\f\r\\u003c`;
  assert.equal(
    canonicalJson({ b: text, z: null }),
    `{"b":"<&>${LINE_SEPARATOR}\u2029é\\"\\\\/\\u0001\\u001f\u007f\\b\\t\\n\\f\\r\\\\u003c","z":null}`,
  );
});

test('JSON-1: a member called __proto__ is one like all others', () => {
  assert.equal(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}')), '{"__proto__":{"a":2},"b":1}');
});

for (const text of ['1.5', '1e21', '9007199254740992', '-9007199254740993', '1e999', '"\\ud800"', '{"\\udc00":1}']) {
  test(`JSON-2, JSON-5: ${text} has no canonical form`, () => {
    assert.throws(() => canonicalJson(JSON.parse(text)), BadJson);
    assert.throws(() => canonicalJson({ deep: [JSON.parse(text)] }), BadJson);
  });
}

test('what is not JSON has no canonical form', () => {
  for (const value of [undefined, 1n, Number.NaN, Symbol('a'), () => 1, { a: undefined }, new Array(1)]) {
    assert.throws(() => canonicalJson(value), BadJson);
  }
});

test('a document nested without end is refused, not followed', () => {
  assert.throws(() => canonicalJson(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))), BadJson);
});

const jsonWithIntegers = fc.jsonValue({ stringUnit: 'binary' }).map((value) => {
  return JSON.parse(JSON.stringify(value), (_name, member) =>
    typeof member === 'number' ? Math.trunc(member % 2 ** 53) : member,
  );
});

test('JSON-1: the canonical form says the same, and is its own canonical form', () => {
  fc.assert(
    fc.property(jsonWithIntegers, (value) => {
      const text = canonicalJson(value);
      assert.equal(canonicalJson(JSON.parse(text)), text);
      assert.equal(JSON.stringify(JSON.parse(text)).length, text.length, 'shortest');
    }),
  );
});

test('JSON-1: the order in which members were added makes no difference', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.nat()), (object) => {
      const backwards = Object.fromEntries(Object.entries(object).reverse());
      assert.equal(canonicalJson(backwards), canonicalJson(object));
    }),
  );
});
