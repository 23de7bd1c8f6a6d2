import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { MockAgent } from 'undici';
import { startFakeHomeserver, type Trouble } from '../../test/fake-homeserver.ts';
import { HomeserverUnavailable, RefusedByHomeserver, UnknownToken } from '../matrix/index.ts';
import { timeLimitMs } from './call-homeserver.ts';
import { createHomeservers } from './homeservers.ts';

const patient = new AbortController().signal;
const clientAddress = '192.0.2.7';

/** A fake homeserver, and the homeservers room that asks it. */
async function start(options: { basePath?: string; serverName?: string; timeoutSeconds?: number } = {}) {
  const homeserver = await startFakeHomeserver(options);
  const logged: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => logged.push(line) });
  const homeservers = createHomeservers({ log, now: Date.now });
  const domain = {
    serverName: 'example.org',
    csApi: homeserver.url,
    backoffAt: 10,
    timeouts: {
      clientServerTimeoutSeconds: options.timeoutSeconds ?? 30,
      federationTimeoutSeconds: 120,
      urlPreviewTimeoutSeconds: 10,
    },
  };
  return {
    homeserver,
    homeservers,
    domain,
    logged,
    whoami: (token: string) => homeservers.whoami(domain, { token, clientAddress }, patient),
    async [Symbol.asyncDispose]() {
      await homeservers[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
    },
  };
}

/** What was thrown, with everything in it, as text. */
async function failureOf(promise: Promise<unknown>): Promise<{ error: unknown; text: string }> {
  try {
    await promise;
  } catch (error) {
    return { error, text: inspect(error, { depth: 20, showHidden: true }) };
  }
  return assert.fail('It did not fail');
}

test('a user is who the homeserver says', async () => {
  await using setup = await start();
  const whoami = await setup.whoami(setup.homeserver.addUser('alice'));
  assert.deepEqual(whoami, { userId: '@alice:example.org', isGuest: false });
});

test('guests are told apart, at old homeservers too, and the stable flag wins', async () => {
  await using setup = await start();
  const { homeserver, whoami } = setup;
  assert.equal((await whoami(homeserver.addUser('visitor', 'guest'))).isGuest, true);
  assert.equal((await whoami(homeserver.addUser('visitor', 'guest by msc3069'))).isGuest, true);
  const body = { user_id: '@alice:example.org', is_guest: false, 'org.matrix.msc3069.is_guest': true };
  homeserver.answer('both', { status: 200, body });
  assert.equal((await whoami('both')).isGuest, false);
});

test('the homeserver learns the token, the address of the client and who asks, nothing else', async () => {
  await using setup = await start();
  await setup.whoami(setup.homeserver.addUser('alice'));
  const [seen] = setup.homeserver.requests;
  assert.equal(seen?.path, '/_matrix/client/v3/account/whoami');
  assert.equal(seen?.query.size, 0);
  const { host, connection, ...headers } = seen?.headers ?? {};
  assert.deepEqual(headers, {
    authorization: 'Bearer token_of_alice',
    accept: 'application/json',
    'user-agent': 'vitrine',
    'x-forwarded-for': clientAddress,
    'x-real-ip': clientAddress,
  });
});

test('an application service asks as one of its users, on one of their devices', async () => {
  await using setup = await start();
  const { homeservers, homeserver, domain } = setup;
  const token = homeserver.addAppservice('bridge', /@bridge_.*:example\.org/, ['A B&C']);
  const question = { token, userId: '@bridge_a+b:example.org', deviceId: 'A B&C', clientAddress };
  assert.equal((await homeservers.whoami(domain, question, patient)).userId, '@bridge_a+b:example.org');
  const [seen] = homeserver.requests;
  assert.deepEqual(Object.fromEntries(seen?.query ?? []), { user_id: '@bridge_a+b:example.org', device_id: 'A B&C' });
  const otherDevice = homeservers.whoami(domain, { ...question, deviceId: 'D' }, patient);
  await assert.rejects(otherDevice, { status: 400, errcode: 'M_UNKNOWN_DEVICE' });
  const otherUser = homeservers.whoami(domain, { ...question, userId: '@alice:example.org' }, patient);
  await assert.rejects(otherUser, { status: 403, errcode: 'M_FORBIDDEN' });
});

test('the address of the homeserver may have a path of its own, and slashes at its end', async () => {
  for (const basePath of ['', '/base', '/a/b']) {
    await using setup = await start({ basePath });
    const token = setup.homeserver.addUser('alice');
    for (const end of ['', '/', '//']) {
      const domain = { ...setup.domain, csApi: setup.domain.csApi + end };
      await setup.homeservers.whoami(domain, { token, clientAddress }, patient);
    }
  }
});

test('a user of another server is refused, and the log tells the operator why', async () => {
  for (const serverName of ['other.example.org', 'example.org:8448', 'EXAMPLE.ORG']) {
    await using setup = await start({ serverName });
    await assert.rejects(setup.whoami(setup.homeserver.addUser('alice')), UnknownToken);
    assert.equal(setup.logged.length, 1);
    assert.match(setup.logged[0] ?? '', /"level":40.*@alice:.*user of another server/);
  }
});

test('refusals keep their meaning', async () => {
  await using setup = await start();
  const { homeserver, whoami } = setup;
  await assert.rejects(
    whoami('nobodys'),
    (error) => error instanceof UnknownToken && error.extra['soft_logout'] === false,
  );
  const soft = whoami(homeserver.addUser('a', 'softly logged out'));
  await assert.rejects(soft, (error) => error instanceof UnknownToken && error.extra['soft_logout'] === true);
  const locked = whoami(homeserver.addUser('b', 'locked'));
  await assert.rejects(locked, { status: 401, errcode: 'M_USER_LOCKED', extra: { soft_logout: true } });
  const suspended = whoami(homeserver.addUser('c', 'suspended'));
  await assert.rejects(suspended, { status: 403, errcode: 'M_USER_SUSPENDED' });
  const deactivated = whoami(homeserver.addUser('d', 'deactivated'));
  await assert.rejects(deactivated, { status: 403, errcode: 'M_USER_DEACTIVATED' });
  const limited = await failureOf(whoami(homeserver.addUser('e', 'rate limited')));
  assert.ok(limited.error instanceof RefusedByHomeserver);
  assert.deepEqual([limited.error.status, limited.error.retryAfterSeconds], [429, 3]);
  assert.deepEqual(limited.error.extra, { retry_after_ms: 2500 });
});

const troubles: readonly (readonly [Trouble, number])[] = [
  ['internal error', 502],
  ['bad gateway', 502],
  ['refusal without json', 502],
  ['garbage', 502],
  ['not http', 502],
  ['huge', 502],
  ['redirect', 502],
  ['hangs up', 503],
  ['broken off', 503],
  ['silent', 504],
  ['stalled', 504],
];
for (const [trouble, status] of troubles) {
  test(`a homeserver with the trouble "${trouble}" is a ${status}, never a 401, and does not tell the token`, async () => {
    // Only where the limit is what is tested it is short: a busy machine may need longer for all else.
    await using setup = await start(status === 504 ? { timeoutSeconds: 0.2 } : {});
    const token = setup.homeserver.addUser('alice');
    setup.homeserver.suffer(trouble);
    const { error, text } = await failureOf(setup.whoami(token));
    assert.ok(error instanceof HomeserverUnavailable, text);
    assert.deepEqual([error.status, error.errcode], [status, 'M_UNKNOWN'], text);
    assert.doesNotMatch(text + setup.logged.join(), /token_of_alice|<h1>|SSH|aaaa/);
    assert.ok(setup.homeserver.requests.every(({ path }) => path !== '/elsewhere'));
    setup.homeserver.suffer(undefined);
    const timeouts = { ...setup.domain.timeouts, clientServerTimeoutSeconds: 30 };
    const { userId } = await setup.homeservers.whoami({ ...setup.domain, timeouts }, { token, clientAddress }, patient);
    assert.equal(userId, '@alice:example.org', 'afterwards all is well');
  });
}

test('an answer without a valid user_id is no answer', async () => {
  await using setup = await start();
  const bodies = [
    {},
    { user_id: '' },
    { user_id: 5 },
    { user_id: 'alice' },
    { user_id: '@alice' },
    [],
    null,
    'text',
    5,
  ];
  for (const body of bodies) {
    setup.homeserver.answer('odd', { status: 200, body });
    await assert.rejects(
      setup.whoami('odd'),
      (error) => error instanceof HomeserverUnavailable && error.status === 502,
    );
  }
});

test('a connection that is closed while it lies idle costs nobody an error', async () => {
  await using setup = await start();
  const token = setup.homeserver.addUser('alice');
  await setup.whoami(token);
  setup.homeserver.suffer('hangs up', 1);
  assert.equal((await setup.whoami(token)).userId, '@alice:example.org');
});

test('connections are used again', async () => {
  await using setup = await start();
  const token = setup.homeserver.addUser('alice');
  for (let count = 0; count < 3; count += 1) await setup.whoami(token);
  assert.equal(
    setup.homeserver.requests.every(({ headers }) => headers.connection === 'keep-alive'),
    true,
  );
});

test('a slow homeserver gets no more than 64 connections, and those who wait for one can leave', async () => {
  await using setup = await start();
  const { homeserver, homeservers, domain } = setup;
  homeserver.suffer('silent');
  const leaving = new AbortController();
  const question = { token: 'any', clientAddress };
  const asked = Array.from({ length: 80 }, () => failureOf(homeservers.whoami(domain, question, leaving.signal)));
  while (homeserver.requests.length < 64) await setImmediate();
  leaving.abort(new Error('left'));
  for (const { error } of await Promise.all(asked)) assert.match(String(error), /^Error: left$/);
  assert.equal(homeserver.requests.length, 64);
});

test('a homeserver that is not there is a 503: port closed, or no such name', async () => {
  const setup = await start();
  const token = setup.homeserver.addUser('alice');
  await setup.homeserver[Symbol.asyncDispose]();
  for (const csApi of [setup.domain.csApi, 'https://UNDEFINED', 'http://nowhere.invalid']) {
    const asking = setup.homeservers.whoami({ ...setup.domain, csApi }, { token, clientAddress }, patient);
    const { error, text } = await failureOf(asking);
    assert.ok(error instanceof HomeserverUnavailable, text);
    assert.equal(error.status, 503, text);
    assert.doesNotMatch(text, /token_of_alice/);
  }
  await setup.homeservers[Symbol.asyncDispose]();
});

test('a client that leaves ends the call, with its own reason', async () => {
  await using setup = await start();
  const { homeserver, homeservers, domain } = setup;
  const question = { token: homeserver.addUser('alice'), clientAddress };
  for (const trouble of ['silent', 'stalled'] as const) {
    homeserver.suffer(trouble);
    const leaving = new AbortController();
    const asking = homeservers.whoami(domain, question, leaving.signal);
    const before = homeserver.requests.length;
    while (homeserver.requests.length === before) await setImmediate();
    leaving.abort(new Error('left'));
    await assert.rejects(asking, /^Error: left$/);
  }
  const asked = homeserver.requests.length;
  await assert.rejects(homeservers.whoami(domain, question, AbortSignal.abort(new Error('gone'))), /^Error: gone$/);
  assert.equal(homeserver.requests.length, asked, 'who has left already is not asked about');
});

test('a token that no header can carry is unknown, and nobody is asked', async () => {
  await using setup = await start();
  for (const token of ['', 'a b', 'a\r\nx-admin: yes', 'tökén', '🙂', 'a\0'])
    await assert.rejects(setup.whoami(token), UnknownToken);
  assert.equal(setup.homeserver.requests.length, 0);
});

test('every call has a time limit of at most a minute', () => {
  const cases = [
    [30, 30_000],
    [0.2, 200],
    [60, 60_000],
    [3600, 60_000],
    [0, 60_000],
    [-1, 60_000],
  ] as const;
  for (const [seconds, ms] of cases) assert.equal(timeLimitMs(seconds), ms);
});

test('closing ends what waits, and leaves a dispatcher that was passed in to its owner', async () => {
  const setup = await start();
  setup.homeserver.suffer('silent');
  const asking = failureOf(setup.whoami('any'));
  while (setup.homeserver.requests.length === 0) await setImmediate();
  await setup[Symbol.asyncDispose]();
  assert.ok((await asking).error instanceof HomeserverUnavailable);

  const network = new MockAgent();
  network.disableNetConnect();
  const body = { user_id: '@alice:example.org' };
  network
    .get('https://hs.example.org')
    .intercept({ path: '/_matrix/client/v3/account/whoami' })
    .reply(200, body)
    .times(2);
  const ask = async () => {
    await using homeservers = createHomeservers({ dispatcher: network, log: pino({ level: 'silent' }), now: Date.now });
    const domain = { ...setup.domain, csApi: 'https://hs.example.org' };
    return await homeservers.whoami(domain, { token: 'any', clientAddress }, patient);
  };
  assert.equal((await ask()).userId, '@alice:example.org');
  assert.equal((await ask()).userId, '@alice:example.org');
  await network.close();
});

test('a homeserver that fails again and again is left alone; a refusal shows that it is back as well as an answer does', async () => {
  await using homeserver = await startFakeHomeserver();
  let time = 0;
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => lines.push(line) });
  await using homeservers = createHomeservers({ log, now: () => time });
  const timeouts = { clientServerTimeoutSeconds: 5, federationTimeoutSeconds: 120, urlPreviewTimeoutSeconds: 10 };
  const domain = { serverName: 'example.org', csApi: homeserver.url, backoffAt: 2, timeouts };
  const ask = (token: string) => homeservers.whoami(domain, { token, clientAddress }, patient);
  homeserver.suffer('internal error', 2);
  for (let count = 0; count < 2; count += 1) await assert.rejects(ask('any'), { status: 502 });
  await assert.rejects(ask('any'), { status: 503 });
  assert.equal(homeserver.requests.length, 2);
  time = 1000;
  await assert.rejects(ask('nonsense'), UnknownToken);
  const token = homeserver.addUser('alice');
  await Promise.all([ask(token), ask(token)]);
  assert.equal(lines.filter((line) => line.includes('left alone')).length, 1);
  assert.equal(lines.filter((line) => line.includes('answers again')).length, 1);
});
