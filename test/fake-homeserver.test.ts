import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type FakeHomeserver, startFakeHomeserver } from './fake-homeserver.ts';

async function ask(homeserver: FakeHomeserver, token: string | undefined, query = '') {
  const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), 'x-forwarded-for': '192.0.2.1' };
  const response = await fetch(`${homeserver.url}/_matrix/client/v3/account/whoami${query}`, {
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(5000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

async function askForJson(homeserver: FakeHomeserver, token: string | undefined, query = '') {
  const { status, text } = await ask(homeserver, token, query);
  return { status, ...(JSON.parse(text) as Record<string, unknown>) };
}

test('a user is named by their token, and the request is remembered', async () => {
  await using homeserver = await startFakeHomeserver();
  const token = homeserver.addUser('alice');
  const { status, user_id, is_guest } = { user_id: '', is_guest: '', ...(await askForJson(homeserver, token, '?a=b')) };
  assert.deepEqual({ status, user_id, is_guest }, { status: 200, user_id: '@alice:example.org', is_guest: false });
  const [seen] = homeserver.requests;
  assert.equal(seen?.method, 'GET');
  assert.equal(seen?.path, '/_matrix/client/v3/account/whoami');
  assert.equal(seen?.query.get('a'), 'b');
  assert.equal(seen?.headers['x-forwarded-for'], '192.0.2.1');
});

test('unknown and missing tokens are told apart', async () => {
  await using homeserver = await startFakeHomeserver();
  assert.match((await ask(homeserver, 'nobodys')).text, /M_UNKNOWN_TOKEN/);
  assert.match((await ask(homeserver, undefined)).text, /M_MISSING_TOKEN/);
});

test('every kind of account has its answer', async () => {
  await using homeserver = await startFakeHomeserver();
  const answers = [
    ['guest', 200, /"is_guest":true/],
    ['guest by msc3069', 200, /"org.matrix.msc3069.is_guest":true/],
    ['locked', 401, /M_USER_LOCKED.*"soft_logout":true/],
    ['suspended', 403, /M_USER_SUSPENDED/],
    ['deactivated', 403, /M_USER_DEACTIVATED/],
    ['softly logged out', 401, /M_UNKNOWN_TOKEN.*"soft_logout":true/],
    ['rate limited', 429, /M_LIMIT_EXCEEDED.*"retry_after_ms":2500/],
  ] as const;
  for (const [account, status, body] of answers) {
    const answer = await ask(homeserver, homeserver.addUser('someone', account));
    assert.equal(answer.status, status, account);
    assert.match(answer.text, body);
    assert.equal(answer.headers.get('retry-after'), account === 'rate limited' ? '3' : null);
  }
});

test('an application service acts as the users of its namespace, with their devices', async () => {
  await using homeserver = await startFakeHomeserver();
  const token = homeserver.addAppservice('bridge', /@bridge_.*:example\.org/, ['PHONE']);
  assert.match((await ask(homeserver, token)).text, /@bridge:example.org/);
  assert.match((await ask(homeserver, token, '?user_id=@bridge_a:example.org')).text, /@bridge_a:example.org/);
  assert.match((await ask(homeserver, token, '?device_id=PHONE')).text, /"device_id":"PHONE"/);
  assert.match((await ask(homeserver, token, '?device_id=CLOCK')).text, /M_UNKNOWN_DEVICE/);
  assert.equal((await ask(homeserver, token, '?user_id=@alice:example.org')).status, 403);
});

test('a test can give an answer of its own', async () => {
  await using homeserver = await startFakeHomeserver();
  homeserver.answer('odd', { status: 418, body: { errcode: 'M_TEAPOT' }, headers: { 'x-odd': 'yes' } });
  const answer = await ask(homeserver, 'odd');
  assert.deepEqual([answer.status, answer.text, answer.headers.get('x-odd')], [418, '{"errcode":"M_TEAPOT"}', 'yes']);
});

test('troubles that answer do so, as often as asked', async () => {
  await using homeserver = await startFakeHomeserver();
  const token = homeserver.addUser('alice');
  const answers = [
    ['internal error', 500, /M_UNKNOWN/],
    ['bad gateway', 502, /<h1>/],
    ['refusal without json', 401, /<h1>/],
    ['garbage', 200, /<h1>/],
    ['huge', 200, /a{1000}/],
    ['redirect', 302, /^$/],
  ] as const;
  for (const [trouble, status, body] of answers) {
    homeserver.suffer(trouble, 1);
    const answer = await ask(homeserver, token);
    assert.equal(answer.status, status, trouble);
    assert.match(answer.text, body);
    assert.equal((await ask(homeserver, token)).status, 200, `${trouble} is over`);
  }
});

test('troubles that break the connection do so', async () => {
  await using homeserver = await startFakeHomeserver();
  for (const trouble of ['hangs up', 'broken off', 'not http'] as const) {
    homeserver.suffer(trouble);
    await assert.rejects(ask(homeserver, 'any'), TypeError, trouble);
  }
  homeserver.suffer(undefined);
  assert.equal((await ask(homeserver, homeserver.addUser('alice'))).status, 200);
});

for (const trouble of ['silent', 'stalled'] as const) {
  test(`closing cuts off those who wait for one that is ${trouble}, and frees the port`, async () => {
    const homeserver = await startFakeHomeserver();
    homeserver.suffer(trouble);
    const waiting = assert.rejects(ask(homeserver, 'any'), TypeError);
    while (homeserver.requests.length === 0) await setImmediate();
    await homeserver[Symbol.asyncDispose]();
    await waiting;
    await using next = await startFakeHomeserver({ port: homeserver.port });
    assert.equal((await ask(next, next.addUser('alice'))).status, 200);
  });
}

test('it can live under a base path, for another server name, and knows no other endpoint', async () => {
  await using homeserver = await startFakeHomeserver({ serverName: 'other.example.org', basePath: '/base' });
  assert.match((await ask(homeserver, homeserver.addUser('alice'))).text, /@alice:other.example.org/);
  const outside = await fetch(`http://127.0.0.1:${homeserver.port}/_matrix/client/v3/account/whoami`);
  assert.equal(outside.status, 404);
  assert.match(await outside.text(), /M_UNRECOGNIZED/);
});
