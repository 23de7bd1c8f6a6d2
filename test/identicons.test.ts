import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawIdenticon } from '../src/previews/index.ts';
import { errorOf, startWithUsers } from './client.ts';
import { sizeOf } from './pictures.ts';

const ALICE = '/_matrix/media/r0/identicon/@alice:example.org';

test('an identicon is a PNG that may be kept for days, and needs no token', async (t) => {
  const { askOpenly, askAs, homeserver } = await startWithUsers(t);
  const answer = await askOpenly(ALICE);
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.deepEqual(await sizeOf(bytes), { width: 96, height: 96 });
  assert.deepEqual(
    ['content-type', 'content-disposition', 'cache-control'].map((name) => answer.headers.get(name)),
    ['image/png', 'inline; filename=identicon.png', 'private, max-age=259200, immutable'],
  );
  assert.equal((await askAs('alice', ALICE)).status, 200);
  assert.equal((await askOpenly(ALICE, { headers: { authorization: 'Bearer nonsense' } })).status, 200);
  homeserver.answer('guest', { status: 200, body: { user_id: '@guest:example.org', is_guest: true } });
  assert.equal((await askOpenly(ALICE, { headers: { authorization: 'Bearer guest' } })).status, 403);
  const etag = answer.headers.get('etag') ?? '';
  assert.equal((await askOpenly(ALICE, { headers: { 'if-none-match': etag } })).status, 304);
  const head = await askOpenly(ALICE, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(bytes.length)]);
});

test('the text may have slashes and anything else in it, and a different text is a different picture', async (t) => {
  const { askOpenly } = await startWithUsers(t);
  const drawn = async (text: string) =>
    Buffer.from(await (await askOpenly(`/_matrix/media/r0/identicon/${text}`)).arrayBuffer()).toString('base64');
  assert.equal(await drawn('%40alice%3Aexample.org'), await drawn('@alice:example.org'));
  const texts = ['a', 'a/b', 'a%2Fc', '%E6%BC%A2', 'a/', 'a//', '', '/'];
  assert.equal(new Set(await Promise.all(texts.map(drawn))).size, texts.length);
  assert.equal(await drawn('a/'), await drawn('a%2F'));
  assert.equal(await drawn('?width=96'), (await drawIdenticon('/', { width: 96, height: 96 })).toString('base64'));
  const none = await askOpenly('/_matrix/media/r0/identicon');
  assert.deepEqual(await errorOf(none), { status: 404, errcode: 'M_UNRECOGNIZED' });
});

test('width is for both sides, height for one, and both are brought within 96 to 512', async (t) => {
  const { askOpenly } = await startWithUsers(t);
  const cases: readonly (readonly [query: string, width: number, height: number])[] = [
    ['?width=200', 200, 200],
    ['?height=200', 96, 200],
    ['?width=300&height=100', 300, 100],
    ['?width=1', 96, 96],
    ['?width=99999&height=-5', 512, 96],
  ];
  for (const [query, width, height] of cases) {
    const answer = await askOpenly(ALICE + query);
    assert.deepEqual(await sizeOf(Buffer.from(await answer.arrayBuffer())), { width, height }, query);
  }
  for (const query of ['?width=x', '?height=1.5', '?width=0x10']) {
    assert.deepEqual(await errorOf(await askOpenly(ALICE + query)), { status: 400, errcode: 'M_INVALID_PARAM' });
  }
});

test('identicons can be switched off', async (t) => {
  const { askOpenly } = await startWithUsers(t, { identicons: { enabled: false } });
  assert.deepEqual(await errorOf(await askOpenly(ALICE)), { status: 404, errcode: 'M_UNRECOGNIZED' });
});
