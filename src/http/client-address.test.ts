import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findClientAddress } from './client-address.ts';

const CASES: readonly [says: string, peer: string, forwarded: string | undefined, address: string][] = [
  ['no proxy', '203.0.113.5', undefined, '203.0.113.5'],
  ['a private peer speaks for a public one', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
  ['a proxy on the same machine', '127.0.0.1', '8.8.8.8', '8.8.8.8'],
  ['a proxy on the same machine by IPv6', '::1', '2a00:1450::1', '2a00:1450::1'],
  ['an IPv4 proxy seen through IPv6', '::ffff:10.0.0.1', '8.8.8.8', '8.8.8.8'],
  ['an IPv4 client seen through IPv6', '::ffff:8.8.4.4', undefined, '8.8.4.4'],
  ['entries on the left were sent by the client', '10.0.0.1', '1.1.1.1, 8.8.8.8', '8.8.8.8'],
  ['private entries on the right are our own proxies', '10.0.0.1', '8.8.8.8, 192.168.1.1, 10.2.3.4', '8.8.8.8'],
  ['only private entries', '10.0.0.1', '192.168.1.1', '10.0.0.1'],
  ['a public peer is not believed', '8.8.4.4', '8.8.8.8', '8.8.4.4'],
  ['an address with a port', '10.0.0.1', '8.8.8.8:1234', '8.8.8.8'],
  ['IPv6 in brackets', '10.0.0.1', '[2a00:1450::1]', '2a00:1450::1'],
  ['IPv6 in brackets with a port', '10.0.0.1', '[2a00:1450::1]:1234', '2a00:1450::1'],
  ['IPv4 in IPv6', '10.0.0.1', '::ffff:8.8.8.8', '8.8.8.8'],
  ['garbage beside an address', '10.0.0.1', 'unknown, 8.8.8.8, _hidden', '8.8.8.8'],
  ['garbage only', '10.0.0.1', 'unknown', '10.0.0.1'],
  ['an empty header', '10.0.0.1', '', '10.0.0.1'],
  ['numbers that only some read as an address', '10.0.0.1', '134744072', '10.0.0.1'],
  ['a public peer behind a transition technique is not believed', '2002:808:808::1', '8.8.8.8', '2002:808:808::1'],
  ['an address of nobody', '10.0.0.1', '8.8.8.8, 0.0.0.0, 224.0.0.1', '8.8.8.8'],
  ['a proxy in a shared network', '100.64.0.1', '8.8.8.8', '8.8.8.8'],
  ['more proxies than anybody has', '10.0.0.1', `8.8.8.8${', 10.0.0.2'.repeat(20)}`, '10.0.0.1'],
  ['a peer that is unknown', '', '8.8.8.8', ''],
];
for (const [says, peer, forwarded, address] of CASES) {
  test(`${says}: ${peer} with ${JSON.stringify(forwarded)} is ${address}`, () =>
    assert.equal(findClientAddress(peer, forwarded, false), address));
}

const TRUSTING: readonly [peer: string, forwarded: string | undefined, address: string][] = [
  ['8.8.4.4', '1.1.1.1, 8.8.8.8', '1.1.1.1'],
  ['8.8.4.4', '10.0.0.7', '10.0.0.7'],
  ['8.8.4.4', '1.1.1.1:80', '1.1.1.1'],
  ['8.8.4.4', 'garbage, 1.1.1.1', '8.8.4.4'],
  ['8.8.4.4', undefined, '8.8.4.4'],
];
for (const [peer, forwarded, address] of TRUSTING) {
  test(`when every address is trusted, ${peer} with ${JSON.stringify(forwarded)} is ${address}`, () =>
    assert.equal(findClientAddress(peer, forwarded, true), address));
}

const publicAddress = fc.constantFrom('8.8.8.8', '1.1.1.1', '9.9.9.9', '2a00:1450::1', '2606:4700::1111');
const privateAddress = fc.constantFrom(
  '10.1.2.3',
  '172.16.0.1',
  '192.168.7.7',
  '127.0.0.1',
  'fd00::1',
  'fe80::1',
  '::1',
);

test('whatever a client puts before what our proxies add, its address stays the same', () =>
  fc.assert(
    fc.property(privateAddress, fc.string(), publicAddress, fc.array(privateAddress), (peer, sent, real, proxies) => {
      const forwarded = [sent, real, ...proxies].join(', ');
      assert.equal(findClientAddress(peer, forwarded, false), real);
    }),
  ));

test('a public peer is itself, whatever it says', () =>
  fc.assert(fc.property(publicAddress, fc.string(), (peer, sent) => findClientAddress(peer, sent, false) === peer)));
