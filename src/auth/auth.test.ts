import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { startFakeHomeserver } from '../../test/fake-homeserver.ts';
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
  const homeservers = createHomeservers({ log });
  const domain = { serverName: 'example.org', csApi: homeserver.url, timeouts, accessTokens };
  return {
    homeserver,
    domain,
    auth: createAuth({ homeservers, log }),
    async [Symbol.asyncDispose]() {
      await homeservers[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
    },
  };
}

/** A part that must not be asked, for what is decided without the homeserver. */
const nobody: Homeservers = { whoami: () => assert.fail('The homeserver was asked') };
const alone = { serverName: 'example.org', csApi: 'http://nowhere.invalid', timeouts, accessTokens };
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
  const auth = createAuth({ homeservers: nobody, log });
  const asked = { token: 'bridge_token', userId: '', clientAddress };
  assert.equal((await auth.identify(asked, config, withAppservices, patient)).userId, '@bridge:example.org');
});

test('the shared secret is an admin, whatever user it names, and the homeserver never sees it', async () => {
  const auth = createAuth({ homeservers: nobody, log });
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
  const auth = createAuth({ homeservers: nobody, log });
  const enabled = { ...config, sharedSecretAuth: { enabled: true, token: 'bridge_token' } };
  const asker = await auth.identify({ token: 'bridge_token', clientAddress }, enabled, withAppservices, patient);
  assert.equal(asker.isSharedSecret, true);
});

test('an application service of the configuration is known without the homeserver, whatever the cache time', async () => {
  const auth = createAuth({ homeservers: nobody, log });
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
    homeservers: nobody,
    log: pino({ level: 'warn' }, { write: (line) => logged.push(line) }),
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
  const auth = createAuth({ homeservers: nobody, log });
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
