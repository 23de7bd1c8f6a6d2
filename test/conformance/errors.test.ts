import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, startWithUsers } from '../client.ts';

test('C-1, C-4, D-1, D-2: unknown paths and methods are refused in JSON, with the codes for it', async (t) => {
  const { askOpenly } = await startWithUsers(t);
  for (const path of ['/_matrix/media/unknown', '/_matrix/media/v3/unknown', '/_matrix/client/v1/media/unknown', '/']) {
    const answer = await askOpenly(path);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json(;|$)/);
    assert.deepEqual(await errorOf(answer), { status: 404, errcode: 'M_UNRECOGNIZED' }, path);
  }
  for (const [method, path] of [
    ['PATCH', '/_matrix/media/v3/upload'],
    ['DELETE', '/_matrix/client/v1/media/config'],
    ['POST', '/_matrix/media/v3/download/example.org/abc'],
  ] as const) {
    assert.deepEqual(
      await errorOf(await askOpenly(path, { method })),
      { status: 405, errcode: 'M_UNRECOGNIZED' },
      path,
    );
  }
});

test('C-5, D-4: a 405 says what is allowed, and every answer may be read by a page of another origin', async (t) => {
  const { askOpenly, askAs } = await startWithUsers(t);
  const wrong = await askOpenly('/_matrix/media/v3/upload', { method: 'GET' });
  assert.equal(wrong.headers.get('allow'), 'OPTIONS, POST');
  for (const answer of [
    wrong,
    await askOpenly('/_matrix/media/unknown'),
    await askOpenly('/_matrix/client/v1/media/config'),
    await askAs('alice', '/_matrix/client/v1/media/config'),
  ]) {
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    for (const name of ['X-Requested-With', 'Content-Type', 'Authorization', 'Range']) {
      assert.ok(answer.headers.get('access-control-allow-headers')?.split(', ').includes(name), name);
    }
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.ok(answer.headers.get('access-control-allow-methods')?.includes(method));
    }
  }
});

test('D-5: OPTIONS is answered to anybody, and runs nothing', async (t) => {
  const { askOpenly, homeserver } = await startWithUsers(t, { rateLimit: { requestsPerSecond: 0.001, burst: 1 } });
  for (const path of [
    '/_matrix/media/v3/upload',
    '/_matrix/client/v1/media/download/..%2f/x',
    '/_matrix/client/v1/media/config',
  ]) {
    for (let count = 0; count < 3; count += 1) {
      const answer = await askOpenly(path, { method: 'OPTIONS', headers: { authorization: 'Bearer nonsense' } });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    }
  }
  assert.equal(homeserver.requests.length, 0);
});

test('D-3: create takes any body, or none', async (t) => {
  const { askAs } = await startWithUsers(t);
  for (const init of [{}, { body: '{}' }, { body: 'no json' }, { body: '', headers: { 'content-type': 'x/y' } }]) {
    assert.equal((await askAs('alice', '/_matrix/media/v1/create', { method: 'POST', ...init })).status, 200);
  }
});

test('D-7: parameters that nobody knows are ignored, and values of the wrong kind refused', async (t) => {
  const { askAs, askOpenly } = await startWithUsers(t);
  assert.equal((await askAs('alice', '/_matrix/client/v1/media/config?unknown=1&unknown=2')).status, 200);
  for (const query of ['allow_remote=', 'allow_remote=true&allow_remote=maybe', 'timeout_ms=99999999999999999999']) {
    const answer = await askOpenly(`/_matrix/media/v3/download/example.org/abc?${query}`);
    assert.deepEqual(await errorOf(answer), { status: 404, errcode: 'M_NOT_FOUND' }, query);
  }
  for (const query of ['allow_remote=maybe', 'allow_redirect=yes', 'timeout_ms=soon', 'timeout_ms=-1']) {
    const answer = await askOpenly(`/_matrix/media/v3/download/example.org/abc?${query}`);
    assert.deepEqual(await errorOf(answer), { status: 400, errcode: 'M_INVALID_PARAM' }, query);
  }
});

test('C-3, U-6, C-7, C-8, C-9, C-10, C-11: who asks too much is told to wait, and for how long', async (t) => {
  const { askAs } = await startWithUsers(t, { rateLimit: { requestsPerSecond: 0.1, burst: 1 } });
  for (const [method, path] of [
    ['POST', '/_matrix/media/v3/upload'],
    ['PUT', '/_matrix/media/v3/upload/example.org/abc'],
    ['POST', '/_matrix/media/v1/create'],
    ['GET', '/_matrix/client/v1/media/config'],
    ['GET', '/_matrix/client/v1/media/download/example.org/abc'],
    ['GET', '/_matrix/client/v1/media/thumbnail/example.org/abc?width=1&height=1'],
    ['GET', '/_matrix/media/v3/download/example.org/abc'],
  ] as const) {
    await askAs('alice', path, { method });
    const answer = await askAs('alice', path, { method });
    const body = (await answer.json()) as { errcode: string; retry_after_ms: number };
    assert.deepEqual([answer.status, body.errcode], [429, 'M_LIMIT_EXCEEDED'], path);
    assert.equal(Number(answer.headers.get('retry-after')), Math.ceil(body.retry_after_ms / 1000));
    assert.ok(body.retry_after_ms > 0);
  }
});
