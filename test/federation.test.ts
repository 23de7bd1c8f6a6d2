import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type FederationParts, federationLimits } from '../src/federation/index.ts';
import { parseServerName, type RemoteTrouble, RemoteUnavailable } from '../src/matrix/index.ts';
import { OutboundError, type OutboundOptions, type OutboundTrouble } from '../src/outbound/index.ts';
import { startRawRemote } from './fake-remote.ts';
import { playFederation } from './played-federation.ts';
import { PATIENT } from './played-internet.ts';

const never = new AbortController().signal;
const EXAMPLE = parseServerName('example.org:8448');
const PATH = '/_matrix/federation/v1/media/download/abc?timeout_ms=1';

/** `example.org:8448` at 10.0.0.1, which answers `hello` at {@link PATH}. */
async function playExample(
  t: TestContext,
  parts: Partial<FederationParts> = {},
  options: Partial<OutboundOptions> = {},
) {
  const internet = await playFederation(t, parts, options);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await internet.start('10.0.0.1 8448', { names: ['example.org'] });
  const path = PATH.replace(/\?.*/, '');
  remote.answer(path, { body: 'hello', headers: { 'content-type': 'text/plain' } });
  return { ...internet, remote, path };
}

/** Fails so for the client, and for this reason in the log. */
function failsWith(trouble: RemoteTrouble, cause?: OutboundTrouble) {
  return (error: unknown) => {
    assert.ok(error instanceof RemoteUnavailable, String(error));
    const reason = error.cause instanceof OutboundError ? error.cause.trouble : undefined;
    assert.deepEqual([error.trouble, reason], [trouble, cause]);
    return true;
  };
}

test('a server is found, asked and answers with status, headers and body', async (t) => {
  const { federation, remote } = await playExample(t);
  const call = { path: PATH, headers: { accept: 'multipart/mixed' } };
  const { status, headers, body } = await federation.request(EXAMPLE, call, never);
  assert.deepEqual([status, headers['content-type'], await text(body)], [200, 'text/plain', 'hello']);
  const [seen] = remote.requests;
  assert.deepEqual([seen?.method, seen?.path, seen?.headers.host], ['GET', PATH, 'example.org:8448']);
  assert.deepEqual([seen?.headers.accept, seen?.headers['user-agent']], ['multipart/mixed', 'vitrine']);
  assert.equal(seen?.headers.authorization, undefined);
});

test('DISC-15: a request is signed for the name before any delegation, with path and query', async (t) => {
  const { federation, remote, dns, start } = await playExample(t);
  dns.set('example.net', 'A', ['10.0.0.2']);
  const host = await start('10.0.0.2 443', { names: ['example.net'] });
  host.answer('/.well-known/matrix/server', { body: { 'm.server': 'example.org:8448' } });
  const sign = async (destination: string, method: string, uri: string) => `X-Matrix ${destination} ${method} ${uri}`;
  const delegating = parseServerName('example.net');
  await text((await federation.request(delegating, { path: PATH, sign }, never)).body);
  assert.equal(remote.requests[0]?.headers.authorization, `X-Matrix example.net GET ${PATH}`);
  assert.equal(host.requests[0]?.headers.authorization, undefined, 'whoever delegates learns nothing of it');
});

test('a domain without a key asks as nobody', async (t) => {
  const { federation, remote } = await playExample(t);
  await text((await federation.request(EXAMPLE, { path: PATH, sign: () => undefined }, never)).body);
  assert.equal(remote.requests[0]?.headers.authorization, undefined);
});

for (const status of [302, 400, 401, 403, 404, 429, 500, 502, 504]) {
  test(`an answer with status ${status} is an answer`, async (t) => {
    const { federation, remote, path } = await playExample(t);
    remote.answer(path, { status, headers: { location: 'https://example.org/elsewhere' }, body: 'why' });
    const answer = await federation.request(EXAMPLE, { path: PATH }, never);
    assert.deepEqual([answer.status, await text(answer.body)], [status, 'why']);
    assert.equal(remote.requests.length, 1);
  });
}

test('HEAD asks for no body', async (t) => {
  const { federation, remote } = await playExample(t);
  const { status, body } = await federation.request(EXAMPLE, { method: 'HEAD', path: PATH }, never);
  assert.deepEqual([status, await text(body), remote.requests[0]?.method], [200, '', 'HEAD']);
});

// Several places.

test('when one place fails the next one is asked, whatever the failure is', async (t) => {
  const internet = await playFederation(t);
  const { dns, start, routes, federation } = internet;
  const records = [
    '1 0 1 nowhere',
    '2 0 2 inside',
    '3 0 3 refused',
    '4 0 4 wrong',
    '5 0 5 rude',
    '6 0 6 good',
    '7 0 7 more',
  ];
  dns.set(
    '_matrix-fed._tcp.example.org',
    'SRV',
    records.map((record) => `${record}.example.net`),
  );
  dns.set('inside.example.net', 'A', ['127.0.0.1']);
  for (const [name, address] of [
    ['refused', '10.0.0.3'],
    ['wrong', '10.0.0.4'],
    ['rude', '10.0.0.5'],
    ['good', '10.0.0.6'],
    ['more', '10.0.0.7'],
  ] as const) {
    dns.set(`${name}.example.net`, 'A', [address]);
  }
  await start('10.0.0.4 4', { names: ['wrong.example.net'] });
  await start('10.0.0.5 5', { authority: undefined });
  const good = await start('10.0.0.6 6', { names: ['example.org'] });
  good.answer('/', { body: 'good' });
  const { body } = await federation.request(parseServerName('example.org'), { path: '/' }, never);
  assert.equal(await text(body), 'good');
  assert.deepEqual(routes.used, ['10.0.0.3 3', '10.0.0.4 4', '10.0.0.5 5', '10.0.0.6 6']);
});

test('an answer with a failure is not asked for at another place', async (t) => {
  const { dns, start, federation } = await playFederation(t);
  dns.set('_matrix-fed._tcp.example.org', 'SRV', ['1 0 1 one.example.net', '2 0 2 two.example.net']);
  dns.set('one.example.net', 'A', ['10.0.0.1']);
  dns.set('two.example.net', 'A', ['10.0.0.2']);
  const one = await start('10.0.0.1 1', { names: ['example.org'] });
  const two = await start('10.0.0.2 2', { names: ['example.org'] });
  one.answer('/', { status: 500 });
  const { status, body } = await federation.request(parseServerName('example.org'), { path: '/' }, never);
  await text(body);
  assert.deepEqual([status, two.requests.length], [500, 0]);
});

test('many names at one machine do not disturb each other', async (t) => {
  const { dns, start, federation } = await playFederation(t);
  const names = ['a.example.org', 'b.example.org', 'c.example.org'];
  const remote = await start('10.0.0.1 8448', { names });
  remote.answer('/', { body: 'hello' });
  for (const name of names) dns.set(name, 'A', ['10.0.0.1']);
  for (const name of [...names, ...names]) {
    await text((await federation.request(parseServerName(`${name}:8448`), { path: '/' }, never)).body);
  }
  assert.deepEqual(new Set(remote.requests.map(({ serverName }) => serverName)), new Set(names));
  assert.equal(remote.connections(), names.length, 'each name keeps a connection of its own');
});

// Kinds of failure, for clients and for the log.

for (const [what, serverName, trouble, cause, status] of [
  ['a name that is not there', 'nowhere.example.org:8448', 'unreachable', 'name not found', 502],
  ['a name that its name servers fail on', 'failing.example.org:8448', 'unreachable', 'lookup failed', 502],
  ['a name whose name servers are silent', 'silent.example.org:8448', 'timeout', 'timeout', 504],
  ['a closed port', 'example.org:1234', 'unreachable', 'refused', 502],
  ['another certificate', 'other.example.org:8448', 'unreachable', 'tls', 502],
  ['an address of this machine', '127.0.0.1:8448', 'forbidden', 'forbidden address', 502],
  ['a name for this machine', 'localhost', 'forbidden', 'forbidden address', 502],
  ['the metadata service of a cloud', '169.254.169.254:80', 'forbidden', 'forbidden address', 502],
  ['a decimal address of this machine', '2130706433:8448', 'unreachable', 'name not found', 502],
  ['numbers that are no address', '1.2.3.4.5', 'unreachable', 'name not found', 502],
  ['punycode of nothing', 'xn--a:8448', 'unreachable', 'name not found', 502],
] as const) {
  test(`${what} is "${trouble}" for the client, and "${cause}" for the log`, async (t) => {
    const limits = { ...PATIENT, ...(cause === 'timeout' && { connectMs: 300 }) };
    const { federation, dns } = await playExample(t, {}, { limits });
    dns.set('other.example.org', 'A', ['10.0.0.1']);
    dns.suffer('failing.example.org', 'failing');
    dns.suffer('silent.example.org', 'silent');
    await assert.rejects(federation.request(parseServerName(serverName), { path: PATH }, never), (error) => {
      assert.equal(error instanceof RemoteUnavailable && error.status, status);
      return failsWith(trouble, cause)(error);
    });
  });
}

for (const [what, bytes, trouble, cause] of [
  ['bytes that are not HTTP', 'SSH-2.0\r\n', 'bad answer', 'protocol'],
  [
    'headers without end',
    `HTTP/1.1 200 OK\r\n${`X-A: ${'b'.repeat(1_000)}\r\n`.repeat(100)}`,
    'bad answer',
    'protocol',
  ],
  ['nothing at all', undefined, 'timeout', 'timeout'],
] as const) {
  test(`a server that answers with ${what} is "${trouble}"`, async (t) => {
    const { federation, routes } = await playExample(t, { plainHttp: true });
    const remote = await startRawRemote((socket) => {
      socket.once('data', () => bytes !== undefined && socket.write(bytes));
    });
    t.after(() => remote[Symbol.asyncDispose]());
    routes.add('10.0.0.1 8448', remote.port);
    const call = { path: PATH, limits: { headersMs: 200 } };
    await assert.rejects(federation.request(EXAMPLE, call, never), failsWith(trouble, cause));
  });
}

test('a body that breaks off or stalls fails', async (t) => {
  const { federation, remote, path } = await playExample(t);
  remote.answer(path, (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half');
    response.flushHeaders();
    setImmediate(() => response.destroy());
  });
  const broken = await federation.request(EXAMPLE, { path: PATH }, never);
  await assert.rejects(text(broken.body), { name: 'OutboundError', trouble: 'broken off' });
  remote.answer(path, (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('half'));
  const stalled = await federation.request(EXAMPLE, { path: PATH, limits: { stallMs: 200 } }, never);
  await assert.rejects(text(stalled.body), { name: 'OutboundError', trouble: 'timeout' });
});

test('the configured time is for the whole of an answer, and 0 means ten minutes', async (t) => {
  assert.equal(federationLimits(0).totalMs, 600_000);
  const { federation, remote, path } = await playExample(t, {}, { limits: federationLimits(0.5) });
  remote.answer(path, (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('half'));
  const read = async () => text((await federation.request(EXAMPLE, { path: PATH }, never)).body);
  await assert.rejects(read(), { trouble: 'timeout' });
});

// Leaving a server alone.

const JSON_TYPE = { 'content-type': 'application/json' };

test('a server that fails again and again is left alone, until a try succeeds', async (t) => {
  const { federation, remote, path, pass, logged } = await playExample(t, { backoffAt: () => 3 });
  const ask = async () => {
    const { status, body } = await federation.request(EXAMPLE, { path: PATH }, never);
    await text(body);
    return status;
  };
  remote.answer(path, { status: 500 });
  assert.deepEqual([await ask(), await ask(), await ask()], [500, 500, 500]);
  await assert.rejects(ask(), failsWith('left alone'));
  assert.equal(remote.requests.length, 3);
  pass(1_000);
  remote.answer(path, { body: 'well again' });
  assert.deepEqual([await ask(), await ask()], [200, 200]);
  assert.equal(logged.filter(({ msg }) => /left alone|answers again/.test(String(msg))).length, 2);
});

test('a server that cannot be reached is left alone as well, and the others are not', async (t) => {
  const { federation } = await playExample(t, { backoffAt: () => 2 });
  const nowhere = () => federation.request(parseServerName('nowhere.example.org:8448'), { path: PATH }, never);
  await assert.rejects(nowhere(), failsWith('unreachable', 'name not found'));
  await assert.rejects(nowhere(), failsWith('unreachable', 'name not found'));
  await assert.rejects(nowhere(), failsWith('left alone'));
  await text((await federation.request(EXAMPLE, { path: PATH }, never)).body);
});

test('refusals and missing media tell of a server that works', async (t) => {
  const { federation, remote, path } = await playExample(t, { backoffAt: () => 2 });
  for (const status of [400, 401, 403, 404, 404, 404]) {
    remote.answer(path, { status });
    const answer = await federation.request(EXAMPLE, { path: PATH }, never);
    await text(answer.body);
    assert.equal(answer.status, status);
  }
});

test('FED-3, FED-9: media that is awaited or too large tells nothing against its server', async (t) => {
  const { federation, remote, path } = await playExample(t, { backoffAt: () => 1 });
  const ask = async () => {
    const { status, body } = await federation.request(EXAMPLE, { path: PATH }, never);
    await text(body);
    return status;
  };
  remote.answer(path, { status: 504, headers: JSON_TYPE, body: { errcode: 'M_NOT_YET_UPLOADED' } });
  assert.deepEqual([await ask(), await ask()], [504, 504]);
  remote.answer(path, { status: 502, headers: JSON_TYPE, body: { errcode: 'M_TOO_LARGE' } });
  assert.deepEqual([await ask(), await ask()], [502, 502]);
  remote.answer(path, { status: 504, body: '<html>Gateway Time-out' });
  assert.equal(await ask(), 504);
  await assert.rejects(ask(), failsWith('left alone'));
});

test('being asked to slow down counts as a failure', async (t) => {
  const { federation, remote, path } = await playExample(t, { backoffAt: () => 1 });
  remote.answer(path, { status: 429 });
  await text((await federation.request(EXAMPLE, { path: PATH }, never)).body);
  await assert.rejects(federation.request(EXAMPLE, { path: PATH }, never), failsWith('left alone'));
});

test('addresses that are forbidden here, and signatures that fail, say nothing about the server', async (t) => {
  const { federation, dns } = await playExample(t, { backoffAt: () => 1 });
  dns.set('example.org', 'A', ['127.0.0.1']);
  for (let i = 0; i < 3; i += 1) {
    const asked = federation.request(EXAMPLE, { path: PATH }, never);
    await assert.rejects(asked, failsWith('forbidden', 'forbidden address'));
  }
  dns.set('example.org', 'A', ['10.0.0.1']);
  const sign = () => Promise.reject(new Error('no key'));
  await assert.rejects(federation.request(EXAMPLE, { path: PATH, sign }, never), { message: 'no key' });
  await text((await federation.request(EXAMPLE, { path: PATH }, never)).body);
});

test('one who leaves gets the own reason, counts as no failure, and ends the connection', async (t) => {
  const { federation, remote, path } = await playExample(t, { backoffAt: () => 1 });
  const closed: Promise<unknown>[] = [];
  for (let i = 0; i < 2; i += 1) {
    const leaving = new AbortController();
    remote.answer(path, (request) => {
      closed.push(once(request.socket, 'close'));
      leaving.abort(new Error('gone'));
    });
    await assert.rejects(federation.request(EXAMPLE, { path: PATH }, leaving.signal), { message: 'gone' });
  }
  await Promise.all(closed);
  remote.answer(path, { body: 'hello' });
  const answer = await federation.request(EXAMPLE, { path: PATH }, never);
  assert.deepEqual([answer.status, await text(answer.body)], [200, 'hello']);
});

test('one who has left before asks nothing', async (t) => {
  const { federation, remote } = await playExample(t);
  const left = AbortSignal.abort(new Error('gone'));
  await assert.rejects(federation.request(EXAMPLE, { path: PATH }, left), { message: 'gone' });
  assert.equal(remote.connections(), 0);
});
