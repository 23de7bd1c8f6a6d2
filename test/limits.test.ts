import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startFakeHomeserver } from './fake-homeserver.ts';
import { askRaw, openRawClient } from './raw-client.ts';
import { ENGINES, pathOf, SERVER_NAME, startTestService, TOKEN, uploadBytes } from './service.ts';

const [SQLITE] = ENGINES;

async function refusalOf(answer: Response) {
  const { errcode, mr_errcode, retry_after_ms } = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, errcode, mr_errcode, retryAfterMs: retry_after_ms };
}

for (const engine of ENGINES) {
  test(`U-4, U-7, SEC-9: on ${engine.name}, a user keeps so many bytes and files as the first rule that fits says`, {
    skip: engine.skip,
  }, async (t) => {
    const quotas = {
      enabled: true,
      users: [
        { glob: '@small*:example.org', maxBytes: 100 },
        { glob: '@few:*', maxFiles: 2, maxPending: 1 },
        { glob: '@*', maxBytes: 1_000_000 },
      ],
    };
    const { ask } = await startTestService(t, engine, { uploads: { minBytes: 0, quotas } });
    const upload = (user: string, body: string) =>
      ask(`/_matrix/media/v3/upload?user_id=@${user}:example.org`, { method: 'POST', body });
    const quota = { status: 403, errcode: 'M_FORBIDDEN', mr_errcode: 'M_QUOTA_EXCEEDED', retryAfterMs: undefined };
    assert.equal((await upload('small', 'a'.repeat(60))).status, 200);
    assert.deepEqual(await refusalOf(await upload('small', 'b'.repeat(41))), quota);
    assert.equal((await upload('small', 'b'.repeat(40))).status, 200, 'reaching the limit is allowed');
    assert.deepEqual(await refusalOf(await upload('small', 'c')), quota);
    assert.equal((await upload('small', 'b'.repeat(40))).status, 200, 'what the user has already counts once');
    assert.equal((await upload('small2', 'a'.repeat(60))).status, 200, 'each user for himself');
    const few = await Promise.all(['1', '2', '3', '4', '5'].map((body) => upload('few', body)));
    assert.deepEqual(few.map(({ status }) => status).sort(), [200, 200, 403, 403, 403], 'also at the same time');
    const usage = await ask('/_matrix/media/unstable/org.matrix.msc4034/usage?user_id=@small:example.org');
    assert.deepEqual(await usage.json(), {
      'org.matrix.msc4034.storage.used': 100,
      'org.matrix.msc4034.storage.files': 2,
    });
    const config = async (user: string) =>
      await (await ask(`/_matrix/client/v1/media/config?user_id=@${user}:example.org`)).json();
    assert.deepEqual(await config('small'), { 'm.upload.size': 104_857_600, 'org.matrix.msc4034.storage.size': 100 });
    assert.deepEqual(await config('few'), { 'm.upload.size': 104_857_600, 'org.matrix.msc4034.storage.max_files': 2 });
    const full = await ask('/_matrix/media/v1/create?user_id=@small:example.org', { method: 'POST' });
    assert.deepEqual(await refusalOf(full), quota);
  });
}

test('C-7, C-8, C-9, C-10: requests for the same path beyond the burst are refused for a while, and every answer counts down', async (t) => {
  const rateLimit = { requestsPerSecond: 0.5, burst: 2 };
  const { ask } = await startTestService(t, SQLITE, { rateLimit });
  const path = '/_matrix/client/v1/media/config';
  const first = await ask(path);
  assert.deepEqual(
    ['limit', 'remaining', 'reset'].map((name) => first.headers.get(`ratelimit-${name}`)),
    ['2', '1', '2'],
  );
  await ask(path);
  const refused = await ask(path);
  assert.equal(refused.headers.get('access-control-allow-origin'), '*');
  assert.ok(['1', '2'].includes(refused.headers.get('retry-after') ?? ''));
  const { retryAfterMs, ...refusal } = await refusalOf(refused);
  assert.deepEqual(refusal, { status: 429, errcode: 'M_LIMIT_EXCEEDED', mr_errcode: 'M_LIMIT_EXCEEDED' });
  assert.ok(Number(retryAfterMs) > 1000 && Number(retryAfterMs) <= 2000);
  assert.equal((await ask('/_matrix/media/v3/config')).status, 200, 'another path has a bucket of its own');
  const other = await ask(path, { headers: { 'x-forwarded-for': '203.0.113.7' } });
  assert.equal(other.status, 200, 'another client too');
  for (const free of [() => ask(path, { method: 'OPTIONS' }), () => ask('/healthz')]) {
    for (let count = 0; count < 5; count += 1) assert.ok((await free()).ok);
  }
});

test('a path counts as one, however it is written, and paths that cannot be decoded count too', async (t) => {
  const rateLimit = { requestsPerSecond: 0.001, burst: 2 };
  const { url } = await startTestService(t, SQLITE, { rateLimit });
  const statuses = async (paths: readonly string[]) => {
    const answers: number[] = [];
    for (const path of paths) {
      answers.push((await askRaw(t, Number(new URL(url).port), 'GET', path, { host: SERVER_NAME })).status);
    }
    return answers;
  };
  const version = '/_matrix/media/version';
  const spellings = [version, '/_matrix/media/%76ersion', `${version}?a`, `http://${SERVER_NAME}${version}`];
  assert.deepEqual(await statuses(spellings), [200, 200, 429, 429]);
  assert.deepEqual(await statuses(['/%zz', '/%zz', '/%zz']), [404, 404, 429]);
  assert.deepEqual(await statuses(Array(4).fill('/%68ealthz')), [200, 200, 200, 200]);
});

test('with the scope "endpoint" all paths of an endpoint count together, and an IPv6 household is one client', async (t) => {
  const rateLimit = { requestsPerSecond: 0.001, burst: 1, scope: 'endpoint' };
  const { ask } = await startTestService(t, SQLITE, { rateLimit });
  const askAs = async (address: string, mediaId: string) =>
    (await ask(pathOf(`mxc://${SERVER_NAME}/${mediaId}`), { headers: { 'x-forwarded-for': address } })).status;
  assert.equal(await askAs('2001:db8:1:2::1', 'a'), 404);
  assert.equal(await askAs('2001:db8:1:2:ffff::9', 'b'), 429);
  assert.equal(await askAs('2001:db8:1:3::1', 'b'), 404);
});

test('C-11, DL-9: bytes are counted by user; who has had too many waits, and 304 costs nothing', async (t) => {
  const downloads = { capacityBytes: 1000, drainBytesPerMinute: 600, overflowLimitBytes: 500 };
  const rateLimit = { requestsPerSecond: 1000, burst: 1000, buckets: { downloads } };
  const { ask } = await startTestService(t, SQLITE, { rateLimit });
  const uri = await uploadBytes(ask, new Uint8Array(900));
  const first = await ask(pathOf(uri));
  assert.equal(first.status, 200);
  assert.equal((await ask(pathOf(uri), { headers: { range: 'bytes=0-99' } })).status, 206);
  assert.equal((await ask(pathOf(uri), { headers: { 'if-none-match': first.headers.get('etag') ?? '' } })).status, 304);
  assert.equal((await ask(pathOf(uri), { method: 'HEAD' })).status, 200);
  const { retryAfterMs, ...refusal } = await refusalOf(await ask(pathOf(uri)));
  assert.deepEqual(refusal, { status: 429, errcode: 'M_LIMIT_EXCEEDED', mr_errcode: 'M_LIMIT_EXCEEDED' });
  assert.ok(Number(retryAfterMs) > 30_000 && Number(retryAfterMs) <= 40_000, String(retryAfterMs));
  assert.equal((await ask(`${pathOf(uri)}?user_id=@bob:${SERVER_NAME}`)).status, 200);
});

test('media of ignored servers is refused to all but the administrators', async (t) => {
  const sections = { federation: { ignoredHosts: ['Bad.example.org'] }, admins: [`@root:${SERVER_NAME}`] };
  const { ask } = await startTestService(t, SQLITE, sections);
  const path = pathOf('mxc://bad.example.org/abc');
  const refused = { status: 403, errcode: 'M_NOT_FOUND', mr_errcode: 'M_FORBIDDEN', retryAfterMs: undefined };
  assert.deepEqual(await refusalOf(await ask(path)), refused);
  assert.deepEqual(await refusalOf(await ask(`${path.replace('download', 'thumbnail')}?width=1&height=1`)), refused);
  for (const name of ['bad.example.org', 'bad.example.org.', 'BAD.example.org:8448']) {
    assert.deepEqual(await refusalOf(await ask(`/_matrix/media/v3/download/${name}/abc`)), refused, name);
  }
  const openly = path.replace('client/v1/media', 'media/v3'); // nobody is asked: what counts is that it is not refused
  assert.equal((await ask(`${openly}?allow_remote=false&user_id=@root:${SERVER_NAME}`)).status, 404);
});

test('DL-4, DL-5, DL-7, TH-17: clients that cope with it are sent to the public URL of the datastore', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'vitrine-public-'));
  t.after(() => rm(path, { recursive: true }));
  const opts = { path, publicBaseUrl: 'https://cdn.example.org/media/' };
  const datastores = [{ type: 'file', id: 'main', forKinds: ['all'], opts }];
  const { ask } = await startTestService(t, SQLITE, {
    datastores,
    repo: { ...QUIET, freezeUnauthenticatedMedia: false },
  });
  const uri = await uploadBytes(ask, Buffer.from('hello'));
  const open = `/_matrix/media/v3/download/${uri.slice('mxc://'.length)}`;
  const redirect = 'manual' as const;
  for (const url of [pathOf(uri), `${open}?allow_redirect=true`]) {
    const answer = await ask(url, { redirect });
    assert.equal(answer.status, 307);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    const location = answer.headers.get('location') ?? '';
    assert.ok(location.startsWith(opts.publicBaseUrl), location);
    assert.doesNotMatch(location, new RegExp(TOKEN));
    assert.equal(await readFile(join(path, location.slice(opts.publicBaseUrl.length)), 'utf8'), 'hello');
  }
  for (const url of [open, `${open}?allow_redirect=false`]) {
    assert.equal(await (await ask(url, { redirect })).text(), 'hello');
  }
  assert.equal((await ask(`${open}?allow_redirect=maybe`)).status, 400);
  assert.equal((await ask(`${open}?allow_remote=2`)).status, 400);
  assert.equal((await ask(pathOf(uri), { method: 'HEAD' })).status, 200);
});

const QUIET = { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'fatal' };

async function startImpatient(t: TestContext) {
  return await startTestService(t, SQLITE, { repo: { ...QUIET, stalledClientSeconds: 1 } });
}

test('SEC-11: a client that stops sending its upload is told so, and cut off', async (t) => {
  const { url } = await startImpatient(t);
  const client = await openRawClient(t, Number(new URL(url).port));
  const head = `POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: ${SERVER_NAME}\r\nAuthorization: Bearer ${TOKEN}\r\n`;
  await client.write(`${head}Content-Length: 1000\r\n\r\nabc`);
  const answer = await client.readAnswer();
  assert.equal(answer.status, 408);
  assert.equal(answer.headers['connection'], 'close');
  client.socket.destroy();
});

test('SEC-11: a client that takes nothing of its answer is cut off', async (t) => {
  const { url, ask } = await startImpatient(t);
  const uri = await uploadBytes(ask, Buffer.alloc(30_000_000));
  const request = `GET ${pathOf(uri)} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  const stalled = await openRawClient(t, Number(new URL(url).port));
  stalled.socket.pause();
  await stalled.write(request);
  await setTimeout(2500);
  stalled.socket.resume();
  await stalled.readToEnd().catch(() => undefined); // cut off with or without a reset
  assert.ok(stalled.socket.bytesRead < 30_000_000);
  stalled.socket.destroy();
});

test('a domain that the homeserver serves learns of authenticated media, and logging out is forgotten at once', async (t) => {
  await using homeserver = await startFakeHomeserver();
  const { ask } = await startTestService(t, SQLITE, {
    homeservers: [{ name: SERVER_NAME, csApi: homeserver.url }],
    accessTokens: { maxCacheTimeSeconds: 3600 },
  });
  const headers = { authorization: `Bearer ${homeserver.addUser('alice')}` };
  const versions = await (await ask('/_matrix/client/versions', { headers })).json();
  assert.deepEqual(versions, {
    versions: ['v1.1', 'v1.10', 'v1.11'],
    unstable_features: { 'org.example.feature': true },
  });
  const seen = homeserver.requests.at(-1);
  assert.equal(seen?.headers.authorization, headers.authorization);
  assert.equal(seen?.query.size, 0);
  const config = () => ask('/_matrix/client/v1/media/config', { headers });
  assert.equal((await config()).status, 200);
  assert.equal((await ask('/_matrix/client/v3/logout', { method: 'POST', headers })).status, 200);
  assert.equal((await config()).status, 401);
  assert.equal((await ask('/_matrix/client/v3/logout/all', { method: 'POST', headers })).status, 401);
});
