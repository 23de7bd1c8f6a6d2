import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { startFakeHomeserver } from '../../test/fake-homeserver.ts';
import { createBus } from '../cluster/index.ts';
import { createHomeservers, type Homeservers } from '../homeservers/index.ts';
import { Forbidden, GuestsForbidden, HomeserverUnavailable, UnknownToken } from '../matrix/index.ts';
import { createAuth } from './auth.ts';
import { requireUser } from './require-user.ts';

const patient = new AbortController().signal;
const clientAddress = '192.0.2.7';
const log = pino({ level: 'silent' });

const bridge = {
  id: 'bridge',
  asToken: 'bridge_token',
  senderUserId: '@bridge:example.org',
  userNamespaces: [{ regex: '@_bridge_.*' }],
};
const config = {
  admins: ['@root:example.org', '@bridge:example.org'],
  sharedSecretAuth: { enabled: false, token: 'shared' },
};
const accessTokens = { maxCacheTimeSeconds: 0, useLocalAppserviceConfig: false, appservices: [bridge] };
const timeouts = { clientServerTimeoutSeconds: 5, federationTimeoutSeconds: 120, urlPreviewTimeoutSeconds: 10 };

/** A homeserver on a real port, and what asks it. */
async function start() {
  const homeserver = await startFakeHomeserver();
  const homeservers = createHomeservers({ log, now: Date.now });
  const domain = { serverName: 'example.org', csApi: homeserver.url, backoffAt: 10, timeouts, accessTokens };
  return {
    homeserver,
    homeservers,
    domain,
    auth: createAuth({ homeservers, bus: createBus(), log, now: Date.now }),
    async [Symbol.asyncDispose]() {
      await homeservers[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
    },
  };
}

/** A part that must not be asked, for what is decided without the homeserver. */
const refuseCalls = () => assert.fail('The homeserver was asked');
const nobody: Homeservers = { whoami: refuseCalls, logout: refuseCalls, versions: refuseCalls };
const alone = { serverName: 'example.org', csApi: 'http://nowhere.invalid', backoffAt: 10, timeouts, accessTokens };
const withAppservices = { ...alone, accessTokens: { ...accessTokens, useLocalAppserviceConfig: true } };

test('a user of the homeserver is that, a guest is one, an admin is one', async () => {
  await using setup = await start();
  const { auth, domain, homeserver } = setup;
  const identify = (token: string) => auth.identify({ token, clientAddress }, config, domain, patient);
  const plain = { isGuest: false, isSharedSecret: false, isRepoAdmin: false };
  assert.deepEqual(await identify(homeserver.addUser('alice')), { userId: '@alice:example.org', ...plain });
  const guest = await identify(homeserver.addUser('visitor', 'guest'));
  assert.deepEqual(guest, { userId: '@visitor:example.org', ...plain, isGuest: true });
  const root = await identify(homeserver.addUser('root'));
  assert.deepEqual(root, { userId: '@root:example.org', ...plain, isRepoAdmin: true });
  const other = await identify(homeserver.addUser('Root'));
  assert.equal(other.isRepoAdmin, false, 'the case of letters counts');
  assert.equal(homeserver.requests.length, 4, 'each was asked about, with nothing kept');
});

test('a guest is no admin, even when named so', async () => {
  await using setup = await start();
  const token = setup.homeserver.addUser('root', 'guest');
  const asker = await setup.auth.identify({ token, clientAddress }, config, setup.domain, patient);
  assert.deepEqual([asker.isGuest, asker.isRepoAdmin], [true, false]);
});

test('what the request says of user, device and address reaches the homeserver', async () => {
  await using setup = await start();
  const token = setup.homeserver.addAppservice('as', /@as_.*/, ['PHONE']);
  const credentials = { token, userId: '@as_1:example.org', deviceId: 'PHONE', clientAddress };
  const asker = await setup.auth.identify(credentials, config, setup.domain, patient);
  assert.equal(asker.userId, '@as_1:example.org');
  const [seen] = setup.homeserver.requests;
  assert.equal(seen?.headers['x-forwarded-for'], clientAddress);
  assert.equal(`${seen?.query}`, 'user_id=%40as_1%3Aexample.org&device_id=PHONE');
});

test('an empty user_id or device_id is as good as none', async () => {
  await using setup = await start();
  const token = setup.homeserver.addUser('alice');
  await setup.auth.identify({ token, userId: '', deviceId: '', clientAddress }, config, setup.domain, patient);
  assert.equal(setup.homeserver.requests[0]?.query.size, 0);
  const auth = createAuth({ homeservers: nobody, bus: createBus(), log, now: Date.now });
  const asked = { token: 'bridge_token', userId: '', clientAddress };
  assert.equal((await auth.identify(asked, config, withAppservices, patient)).userId, '@bridge:example.org');
});

test('the shared secret is an admin, whatever user it names, and the homeserver never sees it', async () => {
  const auth = createAuth({ homeservers: nobody, bus: createBus(), log, now: Date.now });
  const enabled = { ...config, sharedSecretAuth: { enabled: true, token: 'shared' } };
  for (const userId of [undefined, '@alice:example.org']) {
    const asker = await auth.identify({ token: 'shared', userId, clientAddress }, enabled, alone, patient);
    assert.deepEqual(asker, { userId: '@sharedsecret', isGuest: false, isSharedSecret: true, isRepoAdmin: true });
  }
});

test('a shared secret that is off, empty or another is a token like any other', async () => {
  await using setup = await start();
  for (const [sharedSecretAuth, token] of [
    [{ enabled: false, token: 'shared' }, 'shared'],
    [{ enabled: true, token: '' }, ''],
    [{ enabled: true, token: 'shared' }, 'Shared'],
    [{ enabled: true, token: 'shared' }, 'shared2'],
  ] as const) {
    const asking = setup.auth.identify(
      { token, clientAddress },
      { ...config, sharedSecretAuth },
      setup.domain,
      patient,
    );
    await assert.rejects(asking, UnknownToken);
  }
});

test('the shared secret comes before an application service with the same token', async () => {
  const auth = createAuth({ homeservers: nobody, bus: createBus(), log, now: Date.now });
  const enabled = { ...config, sharedSecretAuth: { enabled: true, token: 'bridge_token' } };
  const asker = await auth.identify({ token: 'bridge_token', clientAddress }, enabled, withAppservices, patient);
  assert.equal(asker.isSharedSecret, true);
});

test('an application service of the configuration is known without the homeserver, whatever the cache time', async () => {
  const auth = createAuth({ homeservers: nobody, bus: createBus(), log, now: Date.now });
  for (const maxCacheTimeSeconds of [0, 60]) {
    const domain = { ...alone, accessTokens: { ...withAppservices.accessTokens, maxCacheTimeSeconds } };
    const sender = await auth.identify({ token: 'bridge_token', clientAddress }, config, domain, patient);
    const expected = { userId: '@bridge:example.org', isGuest: false, isSharedSecret: false, isRepoAdmin: true };
    assert.deepEqual(sender, expected);
    const asked = { token: 'bridge_token', userId: '@_bridge_1:example.org', clientAddress };
    const ghost = await auth.identify(asked, config, domain, patient);
    assert.deepEqual([ghost.userId, ghost.isRepoAdmin], ['@_bridge_1:example.org', false]);
  }
});

test('an application service of the configuration is refused for others, and the log says why without the token', async () => {
  const logged: string[] = [];
  const auth = createAuth({
    bus: createBus(),
    homeservers: nobody,
    log: pino({ level: 'warn' }, { write: (line) => logged.push(line) }),
    now: Date.now,
  });
  const asked = { token: 'bridge_token', userId: '@root:example.org', clientAddress };
  const asking = auth.identify(asked, config, withAppservices, patient);
  await assert.rejects(asking, { constructor: Forbidden, status: 403, errcode: 'M_FORBIDDEN' });
  assert.match(logged.join(), /"appservice":"bridge","userId":"@root:example.org".*whole user ID/);
  assert.doesNotMatch(logged.join(), /bridge_token/);
});

test('the list is not used when it is switched off, or made for another domain', async () => {
  await using setup = await start();
  const asked = { token: 'bridge_token', clientAddress };
  await assert.rejects(setup.auth.identify(asked, config, setup.domain, patient), UnknownToken);
  const other = { ...setup.domain, serverName: 'other.example.org', accessTokens: withAppservices.accessTokens };
  await assert.rejects(setup.auth.identify(asked, config, other, patient), UnknownToken);
  assert.equal(setup.homeserver.requests.length, 2);
});

test('a token that no entry has goes to the homeserver', async () => {
  await using setup = await start();
  const domain = { ...setup.domain, accessTokens: withAppservices.accessTokens };
  const token = setup.homeserver.addUser('alice');
  const asker = await setup.auth.identify({ token, clientAddress }, config, domain, patient);
  assert.equal(asker.userId, '@alice:example.org');
});

test('the entries of a configuration are prepared once, those of the next one anew', async () => {
  const auth = createAuth({ homeservers: nobody, bus: createBus(), log, now: Date.now });
  let readings = 0;
  const snapshot = () => {
    const counted = {
      ...withAppservices.accessTokens,
      get appservices() {
        readings += 1;
        return [bridge];
      },
    };
    return { ...alone, accessTokens: counted };
  };
  const asked = { token: 'bridge_token', clientAddress };
  const first = snapshot();
  for (let count = 0; count < 3; count += 1) await auth.identify(asked, config, first, patient);
  assert.equal(readings, 1);
  await auth.identify(asked, config, snapshot(), patient);
  assert.equal(readings, 2);
});

test('a homeserver that is away is no reason to refuse: secret and application services still work', async () => {
  const setup = await start();
  await setup.homeserver[Symbol.asyncDispose]();
  const domain = { ...setup.domain, accessTokens: withAppservices.accessTokens };
  const enabled = { ...config, sharedSecretAuth: { enabled: true, token: 'shared' } };
  const identify = (token: string) => setup.auth.identify({ token, clientAddress }, enabled, domain, patient);
  await assert.rejects(
    identify('token_of_alice'),
    (error) => error instanceof HomeserverUnavailable && error.status === 503,
  );
  assert.equal((await identify('shared')).isSharedSecret, true);
  assert.equal((await identify('bridge_token')).userId, '@bridge:example.org');
  await setup[Symbol.asyncDispose]();
});

test('a client that leaves is not waited for', async () => {
  await using setup = await start();
  setup.homeserver.suffer('silent');
  const left = AbortSignal.abort(new Error('left'));
  const asking = setup.auth.identify({ token: 'any', clientAddress }, config, setup.domain, left);
  await assert.rejects(asking, /^Error: left$/);
});

test('guests are refused where only users may go', () => {
  const alice = { userId: '@alice:example.org', isGuest: false, isSharedSecret: false, isRepoAdmin: false };
  assert.doesNotThrow(() => requireUser(alice));
  assert.throws(() => requireUser({ ...alice, isGuest: true }), GuestsForbidden);
});

test('an answer is used again for as long as is configured, and one question serves all who ask at once', async () => {
  await using setup = await start();
  const { homeserver, homeservers } = setup;
  let time = 0;
  const auth = createAuth({ homeservers, bus: createBus(), log, now: () => time });
  const domain = { ...setup.domain, accessTokens: { ...accessTokens, maxCacheTimeSeconds: 60 } };
  const token = homeserver.addUser('alice');
  const identify = (userId?: string) => auth.identify({ token, userId, clientAddress }, config, domain, patient);
  await Promise.all([identify(), identify(), identify()]);
  assert.equal(homeserver.requests.length, 1);
  time = 59_999;
  await identify();
  assert.equal(homeserver.requests.length, 1);
  await identify('@alice:example.org');
  assert.equal(homeserver.requests.length, 2, 'acting as somebody is another question');
  time = 60_000;
  await identify();
  assert.equal(homeserver.requests.length, 3);
});

test('a refused token is remembered briefly, a homeserver in trouble not at all, a locked account neither', async () => {
  await using setup = await start();
  const { homeserver, homeservers } = setup;
  let time = 0;
  const auth = createAuth({ homeservers, bus: createBus(), log, now: () => time });
  const domain = { ...setup.domain, accessTokens: { ...accessTokens, maxCacheTimeSeconds: 3600 } };
  const identify = (token: string) => auth.identify({ token, clientAddress }, config, domain, patient);
  await assert.rejects(identify('nonsense'), UnknownToken);
  await assert.rejects(identify('nonsense'), UnknownToken);
  assert.equal(homeserver.requests.length, 1);
  time = 10_000;
  await assert.rejects(identify('nonsense'), UnknownToken);
  assert.equal(homeserver.requests.length, 2);
  const locked = homeserver.addUser('locked', 'locked');
  await assert.rejects(identify(locked), { errcode: 'M_USER_LOCKED' });
  await assert.rejects(identify(locked), { errcode: 'M_USER_LOCKED' });
  assert.equal(homeserver.requests.length, 4);
  const token = homeserver.addUser('alice');
  homeserver.suffer('internal error', 1);
  await assert.rejects(identify(token), HomeserverUnavailable);
  assert.equal((await identify(token)).userId, '@alice:example.org');
});

test('logging out ends the session at the homeserver and forgets the token, or all of the user', async () => {
  await using setup = await start();
  const { homeserver, auth } = setup;
  const domain = { ...setup.domain, accessTokens: { ...accessTokens, maxCacheTimeSeconds: 3600 } };
  const identify = (token: string) => auth.identify({ token, clientAddress }, config, domain, patient);
  const logout = (token: string, everywhere: boolean) =>
    auth.logout({ token, clientAddress, everywhere }, config, domain, patient);
  const phone = homeserver.addUser('alice', 'user', 'phone');
  const laptop = homeserver.addUser('alice', 'user', 'laptop');
  for (const token of [phone, laptop]) await identify(token);
  await logout(phone, false);
  await assert.rejects(identify(phone), UnknownToken);
  await identify(laptop);
  const tablet = homeserver.addUser('alice', 'user', 'tablet');
  await identify(tablet);
  await logout(tablet, true);
  for (const token of [laptop, tablet]) await assert.rejects(identify(token), UnknownToken);
  const seen = homeserver.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual(
    seen.map(({ path }) => path),
    ['/_matrix/client/v3/logout', '/_matrix/client/v3/logout/all'],
  );
});

test('a token that could not be logged out is asked about again; locked users may log out, the shared secret cannot', async () => {
  await using setup = await start();
  const { homeserver, auth } = setup;
  const domain = { ...setup.domain, accessTokens: { ...accessTokens, maxCacheTimeSeconds: 3600 } };
  const withSecret = { ...config, sharedSecretAuth: { enabled: true, token: 'shared' } };
  const logout = (token: string, everywhere: boolean) =>
    auth.logout({ token, clientAddress, everywhere }, withSecret, domain, patient);
  const token = homeserver.addUser('alice');
  await auth.identify({ token, clientAddress }, config, domain, patient);
  homeserver.suffer('internal error', 1);
  await assert.rejects(logout(token, false), HomeserverUnavailable);
  const asked = homeserver.requests.length;
  await auth.identify({ token, clientAddress }, config, domain, patient);
  assert.equal(homeserver.requests.length, asked + 1);
  await logout(homeserver.addUser('locked', 'locked'), true);
  await assert.rejects(logout('shared', false), Forbidden);
  await assert.rejects(logout('nonsense', false), UnknownToken);
});
