import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createAddressCheck } from './networks.ts';

const isPublic = createAddressCheck({
  allowed: [],
  disallowed: ['127.0.0.0/8', '0.0.0.0/8', '169.254.0.0/16', '10.0.0.0/8', '::1', '::', 'fe80::/10', 'fc00::/7'],
});

for (const address of [
  '127.0.0.1',
  '127.255.255.255',
  '0.0.0.0',
  '169.254.169.254',
  '::1',
  '::',
  '0:0:0:0:0:0:0:1',
  'fe80::1',
  'febf::1',
  'fd00:ec2::254',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:a9fe:a9fe',
  '::127.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b:1::a9fe:a9fe',
  '64:ff9b:1:7f00:0:100::',
  '64:ff9b:1:7f:0:1::',
  '64:ff9b:1:0:7f:0:100:0',
  '2002:7f00:1::',
  '2002:a00:1:ffff::1',
  '2001:0:a00:1::f7f7:f7f7',
  '2001:0:808:808::80ff:fffe',
  '2a00::5efe:127.0.0.1',
  '2a00::200:5efe:10.0.0.1',
]) {
  test(`${address} leads into a forbidden network`, () => assert.equal(isPublic(address), false));
}

for (const address of [
  '8.8.8.8',
  '126.255.255.255',
  '2606:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '64:ff9b:1::808:808',
  '64:ff9b:1:808:8:800::',
  '2002:808:808::1',
  '2001:0:808:808::f7f7:f7f7',
]) {
  test(`${address} may be connected to`, () => assert.equal(isPublic(address), true));
}

for (const text of [
  '',
  'localhost',
  '2130706433',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '127.1',
  '8.8.8',
  '010.8.8.8',
  '[::1]',
  '8.8.8.8:80',
  ' 8.8.8.8',
]) {
  test(`${JSON.stringify(text)} is no address, and never let through`, () => {
    assert.equal(createAddressCheck({ allowed: [], disallowed: [] })(text), false);
  });
}

test('an address with a zone is never let through: it names a link of this machine', () => {
  const isAllowed = createAddressCheck({ allowed: [], disallowed: [] });
  assert.equal(isAllowed('fe80::1%eth0'), false);
  assert.equal(isAllowed('2606:4700::1111%1'), false);
});

test('with a list of allowed networks nothing else may be connected to', () => {
  const isAllowed = createAddressCheck({ allowed: ['192.168.0.0/16', 'fd00::/8'], disallowed: [] });
  assert.equal(isAllowed('192.168.1.1'), true);
  assert.equal(isAllowed('::ffff:192.168.1.1'), true);
  assert.equal(isAllowed('fd12::1'), true);
  assert.equal(isAllowed('8.8.8.8'), false);
  assert.equal(isAllowed('64:ff9b::c0a8:101'), false, 'the network of the outer address counts');
});

test('the disallowed networks win over the allowed ones', () => {
  const isAllowed = createAddressCheck({ allowed: ['10.0.0.0/8'], disallowed: ['10.1.0.0/16'] });
  assert.equal(isAllowed('10.2.0.1'), true);
  assert.equal(isAllowed('10.1.0.1'), false);
});

test('a network may be written as IPv4 within IPv6, as a single address, and with bits behind the prefix', () => {
  const isAllowed = createAddressCheck({
    allowed: [],
    disallowed: ['::ffff:10.0.0.0/104', '192.0.2.7', '172.16.9.9/12'],
  });
  assert.deepEqual(['10.9.9.9', '192.0.2.7', '192.0.2.8', '172.31.0.1', '172.32.0.1'].map(isAllowed), [
    false,
    false,
    true,
    false,
    true,
  ]);
});

test('a network that cannot be read is an error, not a hole', () => {
  for (const network of ['10.0.0.0/33', '10.0.0/8x', 'example.org', '']) {
    assert.throws(() => createAddressCheck({ allowed: [], disallowed: [network] }), network);
  }
});

test('every way to write an IPv4 address into IPv6 is judged as that address', () =>
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
      for (const form of [`::ffff:${hex}`, `64:ff9b::${hex}`, `2002:${hex}::1`, `2001:0:${hex}::1`]) {
        assert.equal(isPublic(form) && !isPublic(address), false, form);
      }
      assert.equal(isPublic(`::ffff:${hex}`), isPublic(address));
    }),
  ));
