import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { readDevelopmentSwitches } from '../src/federation/index.ts';
import { parseServerName, RemoteUnavailable } from '../src/matrix/index.ts';
import { OutboundError } from '../src/outbound/index.ts';
import type { FakeRemote, RemoteReply } from './fake-remote.ts';
import { type PlayedFederation, playFederation } from './played-federation.ts';
import { PATIENT } from './played-internet.ts';

const never = new AbortController().signal;
const VERSION = '/_matrix/federation/v1/version';
const WELL_KNOWN = '/.well-known/matrix/server';
const HOUR = 3_600_000;

/** Answers the version, and a delegation for those who ask for one. */
async function startServer(
  internet: PlayedFederation,
  endpoint: string,
  name: string,
  delegation?: RemoteReply | string,
): Promise<FakeRemote> {
  const remote = await internet.start(endpoint, { names: [name] });
  remote.answer(VERSION, { body: { server: { name: 'played' } } });
  if (delegation !== undefined) {
    remote.answer(WELL_KNOWN, typeof delegation === 'string' ? { body: { 'm.server': delegation } } : delegation);
  }
  return remote;
}

async function ask({ federation }: PlayedFederation, serverName: string): Promise<number> {
  const { status, body } = await federation.request(parseServerName(serverName), { path: VERSION }, never);
  await text(body);
  return status;
}

/** Places of the discovery, as `host port authority`. */
async function places({ federation }: PlayedFederation, serverName: string): Promise<string[]> {
  const targets = await federation.discover(serverName, never);
  return targets.map(({ host, port, authority }) => `${host} ${port} ${authority}`);
}

// The steps, each with where the connection goes, the Host header, and the name in TLS.

interface Step {
  readonly step: string;
  readonly serverName: string;
  /** Addresses by name. */
  readonly a?: Readonly<Record<string, string>>;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly services?: Readonly<Record<string, string>>;
  /** What `https://example.org/.well-known/matrix/server` says, at 10.0.0.1. */
  readonly delegation?: string;
  readonly endpoint: string;
  readonly host: string;
  readonly tls: string;
}

const STEPS: readonly Step[] = [
  {
    step: '1: an IPv4 address',
    serverName: '10.0.0.2',
    endpoint: '10.0.0.2 8448',
    host: '10.0.0.2',
    tls: '',
  },
  {
    step: '1: an IPv4 address with a port',
    serverName: '10.0.0.2:8449',
    endpoint: '10.0.0.2 8449',
    host: '10.0.0.2:8449',
    tls: '',
  },
  {
    step: '1: an IPv6 address',
    serverName: '[fd00::2]',
    endpoint: 'fd00::2 8448',
    host: '[fd00::2]',
    tls: '',
  },
  {
    step: '1: an IPv6 address with a port',
    serverName: '[fd00::2]:8449',
    endpoint: 'fd00::2 8449',
    host: '[fd00::2]:8449',
    tls: '',
  },
  {
    step: '2: a port',
    serverName: 'example.org:8449',
    a: { 'example.org': '10.0.0.2' },
    endpoint: '10.0.0.2 8449',
    host: 'example.org:8449',
    tls: 'example.org',
  },
  {
    step: '2: a port, and a name that is an alias',
    serverName: 'example.org:8449',
    aliases: { 'example.org': 'machine7.example.net' },
    a: { 'machine7.example.net': '10.0.0.2' },
    endpoint: '10.0.0.2 8449',
    host: 'example.org:8449',
    tls: 'example.org',
  },
  {
    step: '3.1: delegation to an address',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.1' },
    delegation: '10.0.0.2',
    endpoint: '10.0.0.2 8448',
    host: '10.0.0.2',
    tls: '',
  },
  {
    step: '3.1: delegation to an IPv6 address with a port',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.1' },
    delegation: '[fd00::2]:8449',
    endpoint: 'fd00::2 8449',
    host: '[fd00::2]:8449',
    tls: '',
  },
  {
    step: '3.2: delegation to a name with a port',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.1', 'matrix.example.net': '10.0.0.2' },
    delegation: 'matrix.example.net:8449',
    endpoint: '10.0.0.2 8449',
    host: 'matrix.example.net:8449',
    tls: 'matrix.example.net',
  },
  {
    step: '3.3: delegation to a name with services',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.1', 'machine7.example.net': '10.0.0.2' },
    services: {
      '_matrix-fed._tcp.matrix.example.net': '10 0 8449 machine7.example.net',
      '_matrix._tcp.matrix.example.net': '10 0 1 nobody.example.net',
    },
    delegation: 'matrix.example.net',
    endpoint: '10.0.0.2 8449',
    host: 'matrix.example.net',
    tls: 'matrix.example.net',
  },
  {
    step: '3.4: delegation to a name with services of the older kind',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.1', 'machine7.example.net': '10.0.0.2' },
    services: { '_matrix._tcp.matrix.example.net': '10 0 8449 machine7.example.net' },
    delegation: 'matrix.example.net',
    endpoint: '10.0.0.2 8449',
    host: 'matrix.example.net',
    tls: 'matrix.example.net',
  },
  {
    step: '3.5: delegation to a name without services',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.1', 'matrix.example.net': '10.0.0.2' },
    services: { '_matrix-fed._tcp.example.org': '10 0 8449 nobody.example.net' },
    delegation: 'matrix.example.net',
    endpoint: '10.0.0.2 8448',
    host: 'matrix.example.net',
    tls: 'matrix.example.net',
  },
  {
    step: '4: services',
    serverName: 'example.org',
    a: { 'machine7.example.net': '10.0.0.2' },
    services: {
      '_matrix-fed._tcp.example.org': '10 0 8449 machine7.example.net',
      '_matrix._tcp.example.org': '10 0 1 nobody.example.net',
    },
    endpoint: '10.0.0.2 8449',
    host: 'example.org',
    tls: 'example.org',
  },
  {
    step: '4: services of a machine that is an alias',
    serverName: 'example.org',
    aliases: { 'machine7.example.net': 'rack3.example.net' },
    a: { 'rack3.example.net': '10.0.0.2' },
    services: { '_matrix-fed._tcp.example.org': '10 0 8449 machine7.example.net' },
    endpoint: '10.0.0.2 8449',
    host: 'example.org',
    tls: 'example.org',
  },
  {
    step: '5: services of the older kind',
    serverName: 'example.org',
    a: { 'machine7.example.net': '10.0.0.2' },
    services: { '_matrix._tcp.example.org': '10 0 8449 machine7.example.net' },
    endpoint: '10.0.0.2 8449',
    host: 'example.org',
    tls: 'example.org',
  },
  {
    step: '5: no services of the newer kind, said with a dot',
    serverName: 'example.org',
    a: { 'machine7.example.net': '10.0.0.2' },
    services: {
      '_matrix-fed._tcp.example.org': '0 0 0 .',
      '_matrix._tcp.example.org': '10 0 8449 machine7.example.net',
    },
    endpoint: '10.0.0.2 8449',
    host: 'example.org',
    tls: 'example.org',
  },
  {
    step: '6: just a name',
    serverName: 'example.org',
    a: { 'example.org': '10.0.0.2' },
    endpoint: '10.0.0.2 8448',
    host: 'example.org',
    tls: 'example.org',
  },
  {
    step: '6: just a name, with the dot of the root',
    serverName: 'example.org.',
    a: { 'example.org': '10.0.0.2' },
    endpoint: '10.0.0.2 8448',
    host: 'example.org.',
    tls: 'example.org',
  },
];

for (const { step, serverName, a = {}, aliases = {}, services = {}, delegation, endpoint, host, tls } of STEPS) {
  test(`DISC-1, DISC-2, DISC-3, DISC-4, DISC-5, DISC-6, DISC-8, DISC-9: step ${step}`, async (t) => {
    const internet = await playFederation(t);
    for (const [name, address] of Object.entries(a)) internet.dns.set(name, 'A', [address]);
    for (const [name, alias] of Object.entries(aliases)) internet.dns.set(name, 'CNAME', [alias]);
    for (const [name, service] of Object.entries(services)) internet.dns.set(name, 'SRV', [service]);
    if (delegation !== undefined) await startServer(internet, '10.0.0.1 443', 'example.org', delegation);
    const certified = tls === '' ? (endpoint.split(' ')[0] ?? '') : tls;
    const server = await startServer(internet, endpoint, certified);
    assert.equal(await ask(internet, serverName), 200);
    assert.equal(internet.routes.used.at(-1), endpoint);
    assert.deepEqual(
      server.requests.map(({ path, headers, serverName: name }) => [path, headers.host, name]),
      [[VERSION, host, tls]],
    );
  });
}

test('DISC-14: names with a port, and addresses, are asked for no delegation and no services', async (t) => {
  const internet = await playFederation(t);
  for (const name of ['example.org:8448', '10.0.0.2', '10.0.0.2:8449', '[fd00::2]']) {
    assert.equal((await places(internet, name)).length, 1);
  }
  assert.deepEqual([internet.dns.questions, internet.routes.used], [[], []]);
});

test('DISC-13: a delegate is not asked for a delegation of its own', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  internet.dns.set('matrix.example.net', 'A', ['10.0.0.2']);
  await startServer(internet, '10.0.0.1 443', 'example.org', 'matrix.example.net');
  await startServer(internet, '10.0.0.2 443', 'matrix.example.net', 'further.example.net');
  assert.deepEqual(await places(internet, 'example.org'), ['matrix.example.net 8448 matrix.example.net']);
});

// Delegations that are none. The discovery goes on without, as if nothing had been said.

const NO_DELEGATIONS: Readonly<Record<string, RemoteReply>> = {
  'not there': { status: 404 },
  'a refusal': { status: 403, body: { 'm.server': 'evil.example.net' } },
  'a success of another kind': { status: 201, body: { 'm.server': 'evil.example.net' } },
  'a broken server': { status: 500, body: { 'm.server': 'evil.example.net' } },
  'a page': { headers: { 'content-type': 'text/html' }, body: '<html>' },
  'broken JSON': { body: '{"m.server": "evil.example.net"' },
  'an empty body': { body: '' },
  'no object': { body: '"evil.example.net"' },
  null: { body: 'null' },
  'no server': { body: { 'm.homeserver': 'evil.example.net' } },
  'a number': { body: { 'm.server': 8448 } },
  'an empty name': { body: { 'm.server': '' } },
  'a URL': { body: { 'm.server': 'https://evil.example.net' } },
  'a name with a path': { body: { 'm.server': 'evil.example.net/path' } },
  'a name with a user': { body: { 'm.server': 'user@evil.example.net' } },
  'an IPv6 address without brackets': { body: { 'm.server': 'fd00::2' } },
  'a port that is none': { body: { 'm.server': 'evil.example.net:99999' } },
  'a name with a line break': { body: { 'm.server': 'evil.example.net\r\nX-Evil: yes' } },
  'more than 50 KiB': { body: { 'm.server': 'evil.example.net', padding: 'x'.repeat(60_000) } },
  'a redirect to itself': { status: 302, headers: { location: WELL_KNOWN } },
  'a redirect away from https': { status: 302, headers: { location: 'http://example.org/other' } },
  'a redirect to this machine': { status: 302, headers: { location: 'https://127.0.0.1/' } },
  'a redirect to the metadata service': { status: 302, headers: { location: 'https://169.254.169.254/' } },
  'a redirect to nowhere': { status: 302 },
};

for (const [what, reply] of Object.entries(NO_DELEGATIONS)) {
  test(`DISC-10: a delegation that is ${what} is none`, async (t) => {
    const internet = await playFederation(t);
    internet.dns.set('example.org', 'A', ['10.0.0.1']);
    const remote = await startServer(internet, '10.0.0.1 443', 'example.org', reply);
    assert.deepEqual(await places(internet, 'example.org'), ['example.org 8448 example.org']);
    assert.ok(remote.requests.length >= 1 && remote.requests.length <= 6, `${remote.requests.length} requests`);
    assert.deepEqual(new Set(internet.routes.used), new Set(['10.0.0.1 443']));
  });
}

test('without a host for the delegation, with a certificate of another name, or out of date, there is none', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('refused.example.org', 'A', ['10.0.0.9']);
  internet.dns.set('wrong.example.org', 'A', ['10.0.0.1']);
  internet.dns.set('old.example.org', 'A', ['10.0.0.2']);
  await startServer(internet, '10.0.0.1 443', 'example.org', 'evil.example.net');
  const old = await internet.start('10.0.0.2 443', { names: ['old.example.org'], certificates: 'expired' });
  old.answer(WELL_KNOWN, { body: { 'm.server': 'evil.example.net' } });
  for (const host of ['nowhere', 'refused', 'wrong', 'old'].map((name) => `${name}.example.org`)) {
    assert.deepEqual(await places(internet, host), [`${host} 8448 ${host}`]);
  }
});

test('DISC-10: a delegation may be redirected, also to another host, and needs no content type', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  internet.dns.set('www.example.org', 'A', ['10.0.0.2']);
  const location = 'https://www.example.org/matrix.json';
  await startServer(internet, '10.0.0.1 443', 'example.org', { status: 301, headers: { location } });
  const other = await startServer(internet, '10.0.0.2 443', 'www.example.org');
  other.answer('/matrix.json', {
    headers: { 'content-type': 'text/plain' },
    body: { 'm.server': 'm.example.org:443' },
  });
  assert.deepEqual(await places(internet, 'example.org'), ['m.example.org 443 m.example.org:443']);
});

test('DISC-12: a delegation that stalls is given up, and the discovery goes on', async (t) => {
  const internet = await playFederation(t, {}, { limits: { ...PATIENT, stallMs: 200 } });
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await startServer(internet, '10.0.0.1 443', 'example.org');
  remote.answer(WELL_KNOWN, (_request, response) => response.write('{"m.server":'));
  assert.deepEqual(await places(internet, 'example.org'), ['example.org 8448 example.org']);
});

// What is remembered.

test('DISC-11, DISC-12: a delegation is asked for once by all who want to know, and remembered as its headers say', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const headers = { 'cache-control': 'max-age=7200' };
  const reply = { headers, body: { 'm.server': 'm.example.org:443' } };
  const remote = await startServer(internet, '10.0.0.1 443', 'example.org', reply);
  await Promise.all(Array.from({ length: 10 }, () => places(internet, 'example.org')));
  assert.equal(remote.requests.length, 1);
  internet.pass(2 * HOUR - 60_000);
  await places(internet, 'EXAMPLE.org');
  assert.equal(remote.requests.length, 1);
  internet.pass(60_001);
  await places(internet, 'example.org');
  assert.equal(remote.requests.length, 2);
});

test('DISC-11: that there is no delegation is remembered for an hour, and a broken server for a minute', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await startServer(internet, '10.0.0.1 443', 'example.org', { status: 500 });
  const asked = async (passedMs: number) => {
    internet.pass(passedMs);
    await places(internet, 'example.org');
    return remote.requests.length;
  };
  assert.deepEqual([await asked(0), await asked(50_000), await asked(11_000)], [1, 1, 2]);
  remote.answer(WELL_KNOWN, { status: 404 });
  assert.deepEqual([await asked(120_001), await asked(HOUR - 60_000), await asked(60_001)], [3, 3, 4]);
});

test('one who leaves during a discovery gets the own reason, and what was asked is not counted as absent', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await startServer(internet, '10.0.0.1 443', 'example.org');
  const leaving = new AbortController();
  remote.answer(WELL_KNOWN, () => leaving.abort(new Error('gone')));
  await assert.rejects(internet.federation.discover('example.org', leaving.signal), { message: 'gone' });
  remote.answer(WELL_KNOWN, { body: { 'm.server': 'm.example.org:443' } });
  assert.deepEqual(await places(internet, 'example.org'), ['m.example.org 443 m.example.org:443']);
});

// Services.

test('DISC-9: services are tried by priority, and among equals by weight', async (t) => {
  const internet = await playFederation(t, { random: () => 0.9 });
  const records = ['20 0 3 c.example.net', '10 1 1 a.example.net', '10 99 2 b.example.net'];
  internet.dns.set('_matrix-fed._tcp.example.org', 'SRV', records);
  assert.deepEqual(await places(internet, 'example.org'), [
    'b.example.net 2 example.org',
    'a.example.net 1 example.org',
    'c.example.net 3 example.org',
  ]);
});

test('services are remembered for five minutes', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('_matrix-fed._tcp.example.org', 'SRV', ['10 0 1 a.example.net']);
  await places(internet, 'example.org');
  internet.dns.set('_matrix-fed._tcp.example.org', 'SRV', ['10 0 1 b.example.net']);
  internet.pass(290_000);
  assert.deepEqual(await places(internet, 'example.org'), ['a.example.net 1 example.org']);
  internet.pass(10_001);
  assert.deepEqual(await places(internet, 'example.org'), ['b.example.net 1 example.org']);
});

for (const trouble of ['failing', 'refusing', 'silent'] as const) {
  test(`name servers that are ${trouble} on services leave the name itself, and are asked again after a minute`, async (t) => {
    const internet = await playFederation(t, {}, {}, trouble === 'silent' ? 100 : undefined);
    const names = ['_matrix-fed._tcp.example.org', '_matrix._tcp.example.org'] as const;
    for (const name of names) internet.dns.suffer(name, trouble);
    assert.deepEqual(await places(internet, 'example.org'), ['example.org 8448 example.org']);
    for (const name of names) internet.dns.suffer(name, undefined);
    internet.dns.set(names[0], 'SRV', ['10 0 1 a.example.net']);
    assert.deepEqual(await places(internet, 'example.org'), ['example.org 8448 example.org']);
    internet.pass(60_001);
    assert.deepEqual(await places(internet, 'example.org'), ['a.example.net 1 example.org']);
  });
}

test('DISC-7: a certificate for the machine that services name is not enough: who wrote them is not known', async (t) => {
  const internet = await playFederation(t);
  internet.dns.set('_matrix-fed._tcp.example.org', 'SRV', ['10 0 8449 evil.example.net']);
  internet.dns.set('evil.example.net', 'A', ['10.0.0.2']);
  await startServer(internet, '10.0.0.2 8449', 'evil.example.net');
  // Twice: a session of TLS that is taken up again must not stand in for the certificate.
  for (let i = 0; i < 2; i += 1) {
    await assert.rejects(ask(internet, 'example.org'), (error) => {
      return (
        error instanceof RemoteUnavailable && error.cause instanceof OutboundError && error.cause.trouble === 'tls'
      );
    });
  }
});

// Without TLS, for tests of federations.

test('with the switch for it nothing has TLS: neither the delegation nor the requests', async (t: TestContext) => {
  const { plainHttp } = readDevelopmentSwitches({ MEDIA_REPO_HTTP_ONLY_FEDERATION: 'true' });
  const internet = await playFederation(t, { plainHttp });
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  internet.dns.set('m.example.org', 'A', ['10.0.0.2']);
  const host = await internet.start('10.0.0.1 80', { authority: undefined });
  host.answer(WELL_KNOWN, { body: { 'm.server': 'm.example.org' } });
  const server = await internet.start('10.0.0.2 8448', { authority: undefined });
  server.answer(VERSION, { body: {} });
  assert.equal(await ask(internet, 'example.org'), 200);
  assert.deepEqual(internet.routes.used, ['10.0.0.1 80', '10.0.0.2 8448']);
  assert.ok(internet.logged.some(({ msg }) => /without TLS/.test(String(msg))));
});
