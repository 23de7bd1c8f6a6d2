import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { request as rawRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFakeHomeserver } from './fake-homeserver.ts';
import { ask, ENGINES, pathOf, SERVER_NAME, startServiceIn, startTestService, TOKEN, uploadBytes } from './service.ts';

/** All files below the datastore's folder, temporaries included. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const errcodeOf = async (response: Response) => ((await response.json()) as { errcode: string }).errcode;

for (const engine of ENGINES) {
  const { skip } = engine;
  const on = `on ${engine.name}: `;

  test(`${on}what is uploaded comes back byte for byte, with its type and name`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const bytes = randomBytes(300_000);
    const uri = await uploadBytes(service.ask, bytes, { type: 'img/png; a=b', name: 'my "file"; ☕.png' });
    assert.match(uri, new RegExp(`^mxc://${SERVER_NAME}/[0-9a-f]{40}\\d{19}$`));
    const response = await service.ask(pathOf(uri));
    assert.equal(response.status, 200);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
    assert.equal(response.headers.get('content-type'), 'img/png; a=b');
    assert.match(
      response.headers.get('content-disposition') ?? '',
      /^attachment; .*filename\*=UTF-8''my%20%22file%22%3B%20%E2%98%95\.png$/,
    );
    assert.equal(response.headers.get('etag'), `"${createHash('sha256').update(bytes).digest('hex')}"`);
  });

  test(`${on}the file name of the path wins, and without any there is none`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const uri = await uploadBytes(service.ask, Buffer.from('text'), { type: 'Text/Plain; charset=utf-8' });
    const named = await service.ask(`${pathOf(uri)}/other.txt`);
    assert.equal(named.headers.get('content-disposition'), 'inline; filename=other.txt');
    const bare = await service.ask(pathOf(uri));
    assert.equal(bare.headers.get('content-disposition'), 'inline');
  });

  test(`${on}equal content is stored once: the same user gets the same URI, others and other names get their own`, {
    skip,
  }, async (t) => {
    const service = await startTestService(t, engine);
    const bytes = randomBytes(50_000);
    const asUser = (user: string) => (path: string, init: RequestInit) =>
      service.ask(`${path}${path.includes('?') ? '&' : '?'}user_id=@${user}:${SERVER_NAME}`, init);
    const first = await uploadBytes(asUser('one'), bytes, { name: 'a' });
    assert.equal(await uploadBytes(asUser('one'), bytes, { name: 'a' }), first);
    const others = [
      await uploadBytes(asUser('two'), bytes, { name: 'a' }),
      await uploadBytes(asUser('one'), bytes, { name: 'b' }),
      await uploadBytes(asUser('one'), bytes, { name: 'a', type: 'text/plain' }),
    ];
    assert.equal(new Set([first, ...others]).size, 4);
    for (const uri of others) {
      assert.ok(Buffer.from(await (await service.ask(pathOf(uri))).arrayBuffer()).equals(bytes));
    }
    assert.equal((await filesIn(service.media)).length, 1);
  });

  test(`${on}a hundred simultaneous uploads of the same content make one object`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const bytes = randomBytes(20_000);
    const uris = await Promise.all(
      Array.from({ length: 100 }, (_, index) => uploadBytes(service.ask, bytes, { name: `${index}` })),
    );
    assert.equal(new Set(uris).size, 100);
    assert.equal((await filesIn(service.media)).length, 1);
  });

  test(`${on}an object that was lost is healed by the next upload of its content`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const bytes = randomBytes(5_000);
    const first = await uploadBytes(service.ask, bytes, { name: 'a' });
    for (const file of await filesIn(service.media)) await rm(file);
    assert.equal((await service.ask(pathOf(first))).status, 500);
    assert.equal(await uploadBytes(service.ask, bytes, { name: 'a' }), first);
    assert.ok(Buffer.from(await (await service.ask(pathOf(first))).arrayBuffer()).equals(bytes));
  });

  test(`${on}exactly the limit is accepted, one byte more is 413, also without a length`, { skip }, async (t) => {
    const service = await startTestService(t, engine, { uploads: { maxBytes: 10_000, minBytes: 10 } });
    await uploadBytes(service.ask, randomBytes(10_000));
    const post = (body: RequestInit['body'], more: object = {}) =>
      service.ask('/_matrix/media/v3/upload', { method: 'POST', body, ...more });
    const tooLarge = await post(randomBytes(10_001));
    assert.deepEqual([tooLarge.status, await errcodeOf(tooLarge)], [413, 'M_TOO_LARGE']);
    const streamed = await post(new Blob([randomBytes(3_000_000)]).stream(), { duplex: 'half' });
    assert.deepEqual([streamed.status, await errcodeOf(streamed)], [413, 'M_TOO_LARGE']);
    const tooSmall = await post(randomBytes(9));
    assert.deepEqual([tooSmall.status, await errcodeOf(tooSmall)], [400, 'M_UNKNOWN']);
    assert.equal((await filesIn(service.media)).length, 1);
  });

  test(`${on}an upload that breaks off leaves nothing behind`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const broken = rawRequest(`${service.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, host: SERVER_NAME, 'content-length': 1_000_000 },
    });
    broken.on('error', () => undefined);
    broken.write(randomBytes(200_000));
    const temporaries = join(service.media, '.vitrine-tmp');
    while ((await readdir(temporaries)).length === 0) await new Promise(setImmediate);
    broken.destroy();
    while ((await readdir(temporaries)).length > 0) await new Promise(setImmediate);
    assert.deepEqual(await filesIn(service.media), []);
  });

  test(`${on}frozen media is not there for those without a token`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const uri = await uploadBytes(service.ask, Buffer.from('frozen'));
    const path = `/_matrix/media/v3/download/${uri.slice(6)}`;
    const anonymous = await fetch(service.url + path, { headers: { 'x-forwarded-host': SERVER_NAME } });
    assert.deepEqual([anonymous.status, await errcodeOf(anonymous)], [404, 'M_NOT_FOUND']);
    assert.equal((await service.ask(path)).status, 200);
  });

  test(`${on}without the freeze, media is there for everybody on the deprecated endpoints`, { skip }, async (t) => {
    const service = await startTestService(t, engine, {
      repo: {
        bindAddress: '127.0.0.1',
        port: 0,
        logDirectory: '-',
        logLevel: 'fatal',
        freezeUnauthenticatedMedia: false,
      },
    });
    const uri = await uploadBytes(service.ask, Buffer.from('open'));
    for (const version of ['r0', 'v1', 'v3']) {
      const response = await fetch(`${service.url}/_matrix/media/${version}/download/${uri.slice(6)}`, {
        headers: { 'x-forwarded-host': SERVER_NAME },
      });
      assert.equal(await response.text(), 'open');
    }
    const bare = await fetch(service.url + pathOf(uri), { headers: { 'x-forwarded-host': SERVER_NAME } });
    assert.deepEqual([bare.status, await errcodeOf(bare)], [401, 'M_MISSING_TOKEN']);
  });

  test(`${on}what was uploaded is there after a restart`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    const uri = await uploadBytes(service.ask, Buffer.from('kept'));
    await service.stop();
    const again = await startServiceIn(t, service);
    assert.equal(await (await again.ask(pathOf(uri))).text(), 'kept');
  });

  test(`${on}a folder of temporaries that somebody has tidied away is made again`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    await rm(join(service.media, '.vitrine-tmp'), { recursive: true });
    await uploadBytes(service.ask, Buffer.from('after'));
  });

  test(`${on}the service tells that it is ready, and what is not`, { skip }, async (t) => {
    const service = await startTestService(t, engine);
    assert.deepEqual(await (await fetch(`${service.url}/healthz`)).json(), { ok: true, status: 'Probably not dead' });
    const ready = await fetch(`${service.url}/readyz`);
    assert.deepEqual(
      [ready.status, await ready.json()],
      [200, { ok: true, parts: { database: 'ok', 'datastore main': 'ok' } }],
    );
    await rm(service.media, { recursive: true });
    const unready = await fetch(`${service.url}/readyz`);
    assert.equal(unready.status, 503);
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  });
}

const [sqlite] = ENGINES;

test('users of the homeserver upload with their own tokens; guests may look only', async (t) => {
  await using homeserver = await startFakeHomeserver({ serverName: SERVER_NAME });
  const service = await startTestService(t, sqlite, { homeservers: [{ name: SERVER_NAME, csApi: homeserver.url }] });
  const as =
    (token: string) =>
    (path: string, init: RequestInit = {}) =>
      ask(service.url, path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const user = as(homeserver.addUser('user'));
  const guest = as(homeserver.addUser('guest', 'guest'));
  const uri = await uploadBytes(user, Buffer.from('of a user'));
  assert.equal(await (await guest(pathOf(uri))).text(), 'of a user');
  const refused = await guest('/_matrix/media/v3/upload', { method: 'POST', body: 'x' });
  assert.deepEqual([refused.status, await errcodeOf(refused)], [403, 'M_GUEST_ACCESS_FORBIDDEN']);
  const unknown = await as('nobody')(pathOf(uri));
  assert.deepEqual([unknown.status, await errcodeOf(unknown)], [401, 'M_UNKNOWN_TOKEN']);
  homeserver.suffer('hangs up');
  const away = await user(pathOf(uri));
  assert.deepEqual([away.status, await errcodeOf(away)], [503, 'M_UNKNOWN']);
});

test('clients learn the limit for uploads', async (t) => {
  const service = await startTestService(t, sqlite, { uploads: { maxBytes: 123_456 } });
  for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config', '/_matrix/media/r0/config']) {
    assert.deepEqual(await (await service.ask(path)).json(), { 'm.upload.size': 123_456 });
  }
});

test('unknown media is 404, nonsense is 400, and a token is asked for before either', async (t) => {
  const service = await startTestService(t, sqlite);
  const unknown = await service.ask(`/_matrix/client/v1/media/download/${SERVER_NAME}/unknown`);
  assert.deepEqual([unknown.status, await errcodeOf(unknown)], [404, 'M_NOT_FOUND']);
  for (const path of [
    '..%2f..%2fetc/passwd',
    'exa mple.org/x',
    `${SERVER_NAME}/..%2F..%2Fx`,
    `${SERVER_NAME}/%00`,
    `${SERVER_NAME}/${'x'.repeat(300)}`,
  ]) {
    const response = await service.ask(`/_matrix/client/v1/media/download/${path}`);
    assert.deepEqual([response.status, await errcodeOf(response)], [400, 'M_INVALID_PARAM'], path);
    const anonymous = await fetch(`${service.url}/_matrix/client/v1/media/download/${path}`, {
      headers: { 'x-forwarded-host': SERVER_NAME },
    });
    assert.equal(anonymous.status, 401);
  }
});

test('a stop lets a running upload finish', async (t) => {
  const service = await startTestService(t, sqlite);
  const running = rawRequest(`${service.url}/_matrix/media/v3/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, host: SERVER_NAME, 'content-length': 10 },
  });
  running.write('01234');
  const temporaries = join(service.media, '.vitrine-tmp');
  while ((await readdir(temporaries)).length === 0) await new Promise(setImmediate);
  const stopped = service.stop();
  running.end('56789');
  const [response] = await once(running, 'response');
  assert.equal(response.statusCode, 200);
  await stopped;
  await assert.rejects(fetch(`${service.url}/healthz`));
});
