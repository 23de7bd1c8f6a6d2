import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, mediaPathOf, startWithUsers, uploadAsAlice } from '../client.ts';
import type { Account } from '../fake-homeserver.ts';
import { makePng } from '../pictures.ts';
import { pathOf, SERVER_NAME } from '../service.ts';

const WITH_TOKEN: readonly (readonly [method: string, path: string])[] = [
  ['POST', '/_matrix/media/v3/upload'],
  ['POST', '/_matrix/media/r0/upload'],
  ['POST', '/_matrix/media/v1/upload'],
  ['PUT', '/_matrix/media/v3/upload/example.org/abc'],
  ['POST', '/_matrix/media/v1/create'],
  ['GET', '/_matrix/client/v1/media/config'],
  ['GET', '/_matrix/media/v3/config'],
  ['GET', '/_matrix/media/r0/config'],
  ['GET', '/_matrix/client/v1/media/download/example.org/abc'],
  ['GET', '/_matrix/client/v1/media/download/example.org/abc/name.png'],
  ['GET', '/_matrix/client/v1/media/thumbnail/example.org/abc?width=1&height=1'],
  ['GET', '/_matrix/client/unstable/org.matrix.msc3916/media/download/example.org/abc'],
  ['POST', '/_matrix/media/unstable/fi.mau.msc2246/create'],
];
const WITHOUT_TOKEN: readonly string[] = [
  '/_matrix/media/v3/download/example.org/abc',
  '/_matrix/media/v1/download/example.org/abc',
  '/_matrix/media/r0/download/example.org/abc/name.png',
  '/_matrix/media/v3/thumbnail/example.org/abc?width=1&height=1',
  '/_matrix/media/r0/thumbnail/example.org/abc?width=1&height=1',
];

test('A-1, A-2, A-3, A-4, A-5, A-6, A-7, A-9, A-21, B-3, CFG-3: endpoints with a token exist and refuse those without', async (t) => {
  const { askOpenly } = await startWithUsers(t);
  for (const [method, path] of WITH_TOKEN) {
    assert.deepEqual(
      await errorOf(await askOpenly(path, { method })),
      { status: 401, errcode: 'M_MISSING_TOKEN' },
      path,
    );
  }
});

test('A-10, A-11, A-12, A-21, DL-8, DL-10: deprecated endpoints need no token and do not mind a bad one', async (t) => {
  const { askOpenly } = await startWithUsers(t);
  for (const path of WITHOUT_TOKEN) {
    for (const headers of [undefined, { authorization: 'Bearer nonsense' }]) {
      const answer = await askOpenly(path, headers === undefined ? {} : { headers });
      assert.deepEqual(await errorOf(answer), { status: 404, errcode: 'M_NOT_FOUND' }, path);
    }
  }
});

test('A-22: HEAD is answered wherever GET is, with the same status and headers, and no body', async (t) => {
  const { askAs } = await startWithUsers(t, { featureSupport: { MSC2448: { enabled: true } } });
  const picture = await makePng({ width: 200, height: 100 });
  const uri = await uploadAsAlice({ askAs }, picture, { type: 'image/png', name: 'a b.png' });
  const media = mediaPathOf(uri);
  for (const path of [
    pathOf(uri),
    `${pathOf(uri)}/name.txt`,
    `${pathOf(uri, 'thumbnail')}?width=32&height=32`,
    `/_matrix/media/v3/download/${media}`,
    `/_matrix/media/r0/thumbnail/${media}?width=32&height=32&method=crop`,
    '/_matrix/client/v1/media/config',
    '/_matrix/media/v3/config',
    `/_matrix/media/unstable/info/${media}`,
    `/_matrix/media/unstable/xyz.amorgan/download/${media}/blurhash`,
    '/_matrix/media/unstable/org.matrix.msc4034/usage',
    '/_matrix/client/versions',
    '/_matrix/media/version',
    '/healthz',
    '/readyz',
    pathOf('mxc://example.org/none'),
    `${pathOf(uri, 'thumbnail')}?width=x`,
    '/_matrix/media/v3/upload',
    '/nothing',
  ]) {
    const [get, head] = [await askAs('alice', path), await askAs('alice', path, { method: 'HEAD' })];
    await get.arrayBuffer();
    assert.equal(head.status, get.status, path);
    assert.equal(await head.text(), '');
    assert.deepEqual(lasting(head.headers), lasting(get.headers), path);
  }
});

const PASSING: ReadonlySet<string> = new Set(['date', 'x-request-id', 'connection', 'keep-alive']);

/** Of headers, those that are the same with each answer of the same kind. */
function lasting(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !PASSING.has(name)));
}

test('A-23, DL-4: media is looked for under the server that its URI names, and nowhere else', async (t) => {
  const { askAs, askOpenly } = await startWithUsers(t, {
    repo: { port: 0, logLevel: 'fatal', logDirectory: '-', freezeUnauthenticatedMedia: false },
  });
  const uri = await uploadAsAlice({ askAs }, Buffer.from('hello'));
  const mediaId = uri.split('/').at(-1);
  const elsewhere = `/_matrix/media/v3/download/other.example.org/${mediaId}?allow_remote=false`;
  assert.deepEqual(await errorOf(await askOpenly(elsewhere)), { status: 404, errcode: 'M_NOT_FOUND' });
  assert.equal((await askOpenly(`/_matrix/media/v3/download/${mediaPathOf(uri)}?allow_remote=false`)).status, 200);
});

test('A-18, VER-1, VER-2, VER-3: the versions are the homeserver’s, and v1.11', async (t) => {
  const { askOpenly, homeserver } = await startWithUsers(t);
  const answer = await askOpenly('/_matrix/client/versions');
  assert.deepEqual(await answer.json(), {
    versions: ['v1.1', 'v1.10', 'v1.11'],
    unstable_features: { 'org.example.feature': true },
  });
  homeserver.suffer('internal error', 1);
  assert.equal((await errorOf(await askOpenly('/_matrix/client/versions'))).status, 502);
});

test('B-1, B-2: the token is opaque, comes in the header or the query, and the header wins', async (t) => {
  const { askOpenly, homeserver } = await startWithUsers(t);
  const [alice, path] = [homeserver.addUser('alice'), '/_matrix/client/v1/media/config'];
  const inHeader = { headers: { authorization: `Bearer ${alice}` } };
  assert.equal((await askOpenly(path, inHeader)).status, 200);
  assert.equal((await askOpenly(`${path}?access_token=${alice}`)).status, 200);
  assert.equal((await askOpenly(`${path}?access_token=nonsense`, inHeader)).status, 200);
  const wrong = { headers: { authorization: 'Bearer nonsense' } };
  assert.equal((await askOpenly(`${path}?access_token=${alice}`, wrong)).status, 401);
});

const ACCOUNTS: readonly (readonly [Account, status: number, errcode: string, softLogout: boolean | undefined])[] = [
  ['locked', 401, 'M_USER_LOCKED', true],
  ['softly logged out', 401, 'M_UNKNOWN_TOKEN', true],
  ['rate limited', 429, 'M_LIMIT_EXCEEDED', undefined],
  ['suspended', 403, 'M_USER_SUSPENDED', undefined],
  ['deactivated', 403, 'M_USER_DEACTIVATED', undefined],
];
for (const [account, status, errcode, softLogout] of ACCOUNTS) {
  test(`A-20, B-4, C-2, B-5, B-6, B-8, B-11, ACC-1, ACC-2, ACC-3, ACC-4, ACC-5, ACC-9: for a user who is ${account}, the homeserver’s refusal gets through whole`, async (t) => {
    const { ask, homeserver } = await startWithUsers(t);
    const headers = { authorization: `Bearer ${homeserver.addUser('alice', account)}` };
    for (const path of ['/_matrix/client/v1/media/config', '/_matrix/client/v1/media/download/example.org/abc']) {
      const answer = await ask(path, { headers });
      const body = (await answer.json()) as Record<string, unknown>;
      assert.deepEqual([answer.status, body['errcode'], body['soft_logout']], [status, errcode, softLogout]);
    }
  });
}

test('B-4, B-7: a bad token is refused before anything of the path is looked at', async (t) => {
  const { ask } = await startWithUsers(t);
  for (const path of ['example.org/abc', '..%2f/abc', 'example.org/%00']) {
    const answer = await ask(`/_matrix/client/v1/media/download/${path}`, {
      headers: { authorization: 'Bearer nonsense' },
    });
    assert.deepEqual(await errorOf(answer), { status: 401, errcode: 'M_UNKNOWN_TOKEN' });
  }
});

test('B-8: a homeserver in trouble is never a 401', async (t) => {
  const { askAs, homeserver } = await startWithUsers(t);
  for (const trouble of ['internal error', 'hangs up', 'garbage', 'refusal without json'] as const) {
    homeserver.suffer(trouble);
    const { status, errcode } = await errorOf(await askAs('alice', '/_matrix/client/v1/media/config'));
    assert.ok(status >= 502 && status <= 504, `${trouble}: ${status}`);
    assert.equal(errcode, 'M_UNKNOWN');
  }
});

test('B-8, DL-10, FZ-3: where a token is optional, a homeserver in trouble is told of only where the token would have mattered', async (t) => {
  const { askAs, askOpenly, homeserver } = await startWithUsers(t);
  const frozen = `/_matrix/media/v3/download/${mediaPathOf(await uploadAsAlice({ askAs }, Buffer.from('hello')))}`;
  const unknown = '/_matrix/media/v3/download/example.org/abc';
  const thumbnail = `${frozen.replace('download', 'thumbnail')}?width=1&height=1`;
  homeserver.suffer('internal error');
  for (const path of [frozen, thumbnail]) {
    const answer = await askAs('alice', path);
    assert.ok(Number(answer.headers.get('retry-after')) > 0);
    assert.deepEqual(await errorOf(answer), { status: 502, errcode: 'M_UNKNOWN' });
    assert.equal((await askOpenly(path)).status, 404);
  }
  assert.equal((await askAs('alice', unknown)).status, 404);
  homeserver.suffer(undefined);
  const headers = { authorization: `Bearer ${homeserver.addUser('alice', 'rate limited')}` };
  assert.equal((await askOpenly(frozen, { headers })).status, 429);
  const locked = { authorization: `Bearer ${homeserver.addUser('bob', 'locked')}` };
  assert.equal((await askOpenly(frozen, { headers: locked })).status, 404);
});

test('DL-10: what is public is served whatever the homeserver is up to', async (t) => {
  const { askAs, homeserver } = await startWithUsers(t, {
    repo: { port: 0, logLevel: 'fatal', logDirectory: '-', freezeUnauthenticatedMedia: false },
  });
  const uri = await uploadAsAlice({ askAs }, Buffer.from('hello'));
  homeserver.suffer('internal error');
  assert.equal((await askAs('alice', `/_matrix/media/v3/download/${mediaPathOf(uri)}`)).status, 200);
});

test('B-9: an answer about a token is remembered for as long as the operator says, and forgotten at logout', async (t) => {
  const { ask, homeserver } = await startWithUsers(t, { accessTokens: { maxCacheTimeSeconds: 60 } });
  const headers = { authorization: `Bearer ${homeserver.addUser('alice')}` };
  for (let count = 0; count < 3; count += 1)
    assert.equal((await ask('/_matrix/client/v1/media/config', { headers })).status, 200);
  assert.equal(homeserver.requests.length, 1);
  await ask('/_matrix/client/v3/logout', { method: 'POST', headers });
  assert.equal((await ask('/_matrix/client/v1/media/config', { headers })).status, 401);
});

test('B-10: a token of another domain is refused, whichever homeserver vouches for it', async (t) => {
  const { ask, homeserver } = await startWithUsers(t);
  homeserver.answer('foreign', { status: 200, body: { user_id: '@alice:other.example.org' } });
  const answer = await ask('/_matrix/client/v1/media/config', { headers: { authorization: 'Bearer foreign' } });
  assert.deepEqual(await errorOf(answer), { status: 401, errcode: 'M_UNKNOWN_TOKEN' });
  const unknown = await ask('/_matrix/client/v1/media/config', {
    headers: { 'x-forwarded-host': 'nobody.example.org' },
  });
  assert.equal(unknown.status, 502);
});

test('B-12, ACC-7, ACC-8: guests read media, and do nothing else', async (t) => {
  const { ask, homeserver } = await startWithUsers(t);
  for (const [kind, name] of [
    ['guest', 'visitor'],
    ['guest by msc3069', 'caller'],
  ] as const) {
    const headers = { authorization: `Bearer ${homeserver.addUser(name, kind)}` };
    for (const [method, path] of WITH_TOKEN) {
      const { status, errcode } = await errorOf(await ask(path, { method, headers }));
      const isReading = path.includes('download') || path.includes('thumbnail');
      assert.deepEqual([status, errcode], isReading ? [404, 'M_NOT_FOUND'] : [403, 'M_GUEST_ACCESS_FORBIDDEN'], path);
    }
  }
});

test('AS-1, AS-2, AS-3, AS-5: an application service acts as whom its homeserver lets it', async (t) => {
  const { ask, homeserver } = await startWithUsers(t);
  const token = homeserver.addAppservice('bridge', /@_bridge_.*:example\.org/, ['DEVICE']);
  const headers = { authorization: `Bearer ${token}` };
  const config = '/_matrix/client/v1/media/config';
  assert.equal((await ask(config, { headers })).status, 200);
  assert.equal((await ask(`${config}?user_id=@_bridge_a:${SERVER_NAME}`, { headers })).status, 200);
  assert.equal((await ask(`${config}?user_id=@_bridge_a:${SERVER_NAME}&device_id=DEVICE`, { headers })).status, 200);
  const other = await ask(`${config}?user_id=@alice:${SERVER_NAME}`, { headers });
  assert.deepEqual(await errorOf(other), { status: 403, errcode: 'M_FORBIDDEN' });
  const device = await ask(`${config}?user_id=@_bridge_a:${SERVER_NAME}&device_id=NONE`, { headers });
  assert.deepEqual(await errorOf(device), { status: 400, errcode: 'M_UNKNOWN_DEVICE' });
});
