import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeConfig } from './config.ts';
import { playInternet } from './played-internet.ts';

const never = new AbortController().signal;

/** Addresses to which connections were opened, of those in `hosts`, under the networks of a configuration. */
async function reached(
  t: Parameters<typeof playInternet>[0],
  federation: Readonly<Record<string, unknown>>,
  hosts: readonly string[],
): Promise<string[]> {
  const { allowedNetworks: allowed, disallowedNetworks: disallowed } = (await makeConfig({ federation })).federation;
  const { open, routes } = await playInternet(t);
  const outbound = open({ networks: { allowed, disallowed } });
  for (const host of hosts) {
    const target = { protocol: 'https:', host, port: 8448, authority: 'example.org' } as const;
    await assert.rejects(outbound.request(target, { path: '/' }, never), { name: 'OutboundError' });
  }
  return routes.used.map((endpoint) => endpoint.replace(' 8448', ''));
}

const INSIDE = [
  '127.0.0.1',
  '::1',
  '0.0.0.0',
  '::',
  '169.254.169.254',
  'fe80::1',
  '224.0.0.1',
  'ff02::1',
  '255.255.255.255',
  '192.0.2.1',
  '198.51.100.1',
  '203.0.113.1',
  '2001:db8::1',
  '3fff::1',
  '192.0.0.192',
  '100.100.100.200',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
  '::ffff:169.254.169.254',
  '64:ff9b::7f00:1',
  '2002:a9fe:a9fe::1',
];
const PRIVATE = ['10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', 'fd12::1'];
const PUBLIC = ['8.8.8.8', '2606:4700::1111'];

test('by default other servers may be in public and private networks, and nowhere inside', async (t) => {
  assert.deepEqual(await reached(t, {}, [...INSIDE, ...PRIVATE, ...PUBLIC]), [...PRIVATE, ...PUBLIC]);
});

test('an empty list of disallowed networks forbids nothing', async (t) => {
  const hosts = [...INSIDE, ...PRIVATE, ...PUBLIC];
  assert.deepEqual(await reached(t, { disallowedNetworks: [] }, hosts), hosts);
});

test('a closed federation names its networks, and nothing else is asked', async (t) => {
  const federation = { allowedNetworks: ['10.0.0.0/8', 'fd12::/16'] };
  assert.deepEqual(await reached(t, federation, [...INSIDE, ...PRIVATE, ...PUBLIC]), ['10.0.0.1', 'fd12::1']);
});

test('a list of the operator takes the place of the default', async (t) => {
  const federation = { disallowedNetworks: ['192.168.0.0/16'] };
  assert.deepEqual(await reached(t, federation, ['127.0.0.1', '192.168.0.1', '10.0.0.1']), ['127.0.0.1', '10.0.0.1']);
});

test('a network that is none keeps the service from starting', async () => {
  for (const network of ['10.0.0.0/33', '10.0.0/8', 'example.org']) {
    await assert.rejects(
      makeConfig({ federation: { disallowedNetworks: [network] } }),
      /federation\.disallowedNetworks/,
    );
  }
});
