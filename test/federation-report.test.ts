import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startServing } from './asking-server.ts';
import { startFakeHomeserver } from './fake-homeserver.ts';
import { ask, type ConfigSections, SERVER_NAME } from './service.ts';

const PATH = '/_matrix/media/unstable/admin/federation/test';
const SECRET = 'a-secret-of-the-operator';
const VERSION = { server: { name: 'Played', version: '1.0' } };

interface Step {
  readonly step: string;
  readonly asked: string;
  readonly outcome: string;
  readonly found: readonly string[];
  readonly connections: readonly Readonly<Record<string, unknown>>[];
  readonly advice?: string;
}

interface Report {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly steps: readonly Step[] };
  /** The one step of that kind with that outcome. */
  step(kind: string, outcome: string): Step;
}

/** The service, with `remote.example.net` at 10.0.0.1, and a report on any server as the operator gets it. */
async function start(t: TestContext, sections: ConfigSections = {}) {
  const secret = { sharedSecretAuth: { enabled: true, token: SECRET } };
  const serving = await startServing(t, { ...secret, ...sections });
  const server = await serving.addServer('remote.example.net', 1);
  server.remote.answer('/_matrix/federation/v1/version', { body: VERSION });
  const report = async (serverName: string): Promise<Report> => {
    const headers = { authorization: `Bearer ${SECRET}` };
    const answer = await ask(serving.service.url, `${PATH}/${serverName}`, { headers });
    const body = (await answer.json()) as Report['body'];
    return {
      status: answer.status,
      body,
      step(kind, outcome) {
        const [found, ...others] = body.steps.filter((step) => step.step === kind && step.outcome === outcome);
        assert.ok(found !== undefined && others.length === 0, JSON.stringify(body, undefined, 2));
        return found;
      },
    };
  };
  return { ...serving, server, report };
}

test('A-19: the test of a server tells what matrix-media-repo told, and every step on the way', async (t) => {
  const { report, server } = await start(t);
  const { status, body, step } = await report('remote.example.net');
  assert.equal(status, 200, JSON.stringify(body));
  const { steps, ...told } = body;
  assert.deepEqual(told, {
    base_url: 'https://remote.example.net:8448',
    hostname: 'remote.example.net',
    versions_response: VERSION,
    server_name: 'remote.example.net',
  });
  assert.deepEqual(
    steps.map(({ step: kind, asked, outcome }) => `${outcome} ${kind} ${asked}`),
    [
      'failed delegation https://remote.example.net/.well-known/matrix/server',
      'nothing services _matrix-fed._tcp.remote.example.net SRV',
      'nothing services _matrix._tcp.remote.example.net SRV',
      'found places remote.example.net',
      'found request https://remote.example.net:8448/_matrix/federation/v1/version',
      'found request https://remote.example.net:8448/_matrix/key/v2/server',
      'found keys /_matrix/key/v2/server',
    ],
  );
  assert.match(step('delegation', 'failed').advice ?? '', /Nothing is wrong when/);
  assert.match(step('keys', 'found').found[0] ?? '', new RegExp(server.key.keyId));
  const [addresses, connected, certificate, ...others] = steps[4]?.connections ?? [];
  assert.deepEqual(addresses, {
    what: 'addresses',
    host: 'remote.example.net',
    found: ['10.0.0.1'],
    allowed: ['10.0.0.1'],
  });
  assert.equal(connected?.['what'], 'connected');
  assert.partialDeepStrictEqual(certificate, {
    what: 'certificate',
    expected_name: 'remote.example.net',
    names: ['remote.example.net'],
    issuer: 'Authority of a test',
  });
  assert.match(String(certificate?.['valid_until']), / GMT$/);
  assert.deepEqual(others, []);
});

test('A-17: the test of a server follows delegations and SRV records', async (t) => {
  const { report, internet } = await start(t);
  internet.dns.set('example.net', 'A', ['10.0.0.5']);
  const host = await internet.start('10.0.0.5 443', { names: ['example.net'] });
  host.answer('/.well-known/matrix/server', { body: { 'm.server': 'remote.example.net:8448' } });
  const delegated = await report('example.net');
  assert.equal(delegated.status, 200);
  assert.deepEqual(delegated.step('places', 'found').found, [
    'https://remote.example.net:8448, as remote.example.net:8448',
  ]);
  assert.deepEqual(delegated.step('delegation', 'found').found, ['status 200']);
  assert.match(delegated.step('keys', 'failed').advice ?? '', /gets no media/, 'those are the keys of another server');

  internet.dns.set('_matrix-fed._tcp.remote.example.net', 'SRV', ['1 2 8448 remote.example.net']);
  const listed = await report('remote.example.net');
  assert.deepEqual(listed.step('services', 'found').found, ['remote.example.net port 8448, priority 1, weight 2']);
});

test('the test of a server looks anew each time', async (t) => {
  const { report, server } = await start(t);
  server.remote.answer('/_matrix/federation/v1/version', { status: 500 });
  for (let times = 0; times < 3; times += 1) assert.equal((await report('remote.example.net')).status, 502);
  server.remote.answer('/_matrix/federation/v1/version', { body: VERSION });
  assert.equal((await report('remote.example.net')).status, 200);
});

test('a delegation that cannot be understood is told', async (t) => {
  const { report, internet } = await start(t);
  const host = await internet.start('10.0.0.1 443', { names: ['remote.example.net'] });
  host.answer('/.well-known/matrix/server', { body: { server: 'remote.example.net:8448' } });
  assert.match((await report('remote.example.net')).step('places', 'found').advice ?? '', /not understood/);
});

// What is in the way.

test('what is in the way is told, with what to do about it', async (t) => {
  const { report, internet } = await start(t);
  internet.dns.set('wrong.example.net', 'A', ['10.0.0.1']);
  internet.dns.set('old.example.net', 'A', ['10.0.0.6']);
  internet.dns.set('closed.example.net', 'A', ['10.0.0.7']);
  internet.dns.set('inside.example.net', 'A', ['127.0.0.1']);
  internet.dns.set('page.example.net', 'A', ['10.0.0.8']);
  internet.dns.suffer('failing.example.net', 'failing');
  await internet.start('10.0.0.6 8448', { names: ['old.example.net'], certificates: 'expired' });
  const page = await internet.start('10.0.0.8 8448', { names: ['page.example.net'] });
  page.answer('/_matrix/federation/v1/version', { body: '<html>' });
  for (const [name, kind, found, advice] of [
    ['nowhere.example.net:8448', 'request', /^name not found/, /AAAA/],
    ['failing.example.net:8448', 'request', /^lookup failed/, /name servers/],
    ['closed.example.net:8448', 'request', /^refused/, /Nobody listens/],
    ['inside.example.net:8448', 'request', /^forbidden address/, /federation\.disallowedNetworks/],
    ['wrong.example.net:8448', 'request', /^tls.*ERR_TLS_CERT_ALTNAME_INVALID/, /certificate/],
    ['old.example.net:8448', 'request', /^tls.*CERT_HAS_EXPIRED/, /certificate/],
    ['page.example.net:8448', 'version', /^status 200, and what came is not a JSON object/, /proxy/],
  ] as const) {
    const { status, body, step } = await report(name);
    assert.deepEqual([status, body['errcode'], body['server_name']], [502, 'M_UNKNOWN', name]);
    assert.match(step(kind, 'failed').found[0] ?? '', found);
    assert.match(step(kind, 'failed').advice ?? '', advice);
  }
  const wrong = (await report('wrong.example.net:8448')).step('request', 'failed').connections.at(-1);
  assert.deepEqual([wrong?.['expected_name'], wrong?.['names']], ['wrong.example.net', ['remote.example.net']]);
  const inside = (await report('inside.example.net:8448')).step('request', 'failed').connections;
  assert.deepEqual(inside, [{ what: 'addresses', host: 'inside.example.net', found: ['127.0.0.1'], allowed: [] }]);
});

test('a server without that endpoint is there as well, and one without a name is none', async (t) => {
  const { report, server } = await start(t);
  const body = { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' };
  server.remote.answer('/_matrix/federation/v1/version', { status: 404, body });
  const there = await report('remote.example.net');
  assert.deepEqual([there.status, there.body['versions_response']], [200, body]);
  const none = await report('a_b');
  assert.deepEqual([none.status, none.body['errcode']], [400, 'M_INVALID_PARAM']);
});

// Who may ask.

test('administrators of the repository may ask, nobody else', async (t) => {
  const homeserver = await startFakeHomeserver();
  t.after(() => homeserver[Symbol.asyncDispose]());
  const { service, server } = await start(t, {
    homeservers: [{ name: SERVER_NAME, csApi: homeserver.url }],
    accessTokens: { maxCacheTimeSeconds: 0 },
    admins: [`@admin:${SERVER_NAME}`, `@guest:${SERVER_NAME}`],
  });
  const asked = async (path: string, headers: Readonly<Record<string, string>>) => {
    const all = { 'x-forwarded-host': SERVER_NAME, ...headers };
    const answer = await fetch(service.url + path, { headers: all });
    return [answer.status, ((await answer.json()) as Record<string, unknown>)['errcode']];
  };
  const asUser = (localpart: string, account: 'user' | 'guest' = 'user') => ({
    authorization: `Bearer ${homeserver.addUser(localpart, account)}`,
  });
  const path = `${PATH}/remote.example.net`;
  assert.deepEqual(await asked(path, {}), [401, 'M_MISSING_TOKEN']);
  assert.deepEqual(await asked(path, { authorization: 'Bearer nobody' }), [401, 'M_UNKNOWN_TOKEN']);
  assert.deepEqual(await asked(path, asUser('alice')), [403, 'M_FORBIDDEN']);
  assert.deepEqual(await asked(path, asUser('guest', 'guest')), [403, 'M_GUEST_ACCESS_FORBIDDEN']);
  assert.equal(server.remote.connections(), 0, 'nothing is asked for those who may not ask');
  assert.deepEqual(await asked(path, asUser('admin')), [200, undefined]);
  assert.deepEqual(await asked(path, { authorization: `Bearer ${SECRET}` }), [200, undefined]);
  const other = path.replace('/unstable/admin/', '/unstable/io.t2bot.media/admin/');
  assert.deepEqual(await asked(other, asUser('admin')), [200, undefined]);
  homeserver.suffer('internal error');
  assert.equal((await asked(path, asUser('admin')))[0], 502, 'nobody knows who it is; that is no 401');
});
