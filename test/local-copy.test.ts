import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { errorOf, mediaPathOf } from './client.ts';
import {
  type ConfigSections,
  ENGINES,
  pathOf,
  SERVER_NAME,
  startTestService,
  type TestService,
  uploadBytes,
} from './service.ts';

const OTHER = 'other.example.org';
const [SQLITE] = ENGINES;

/** A service for two domains; application services of both speak for any user. */
async function start(t: TestContext, engine = SQLITE as (typeof ENGINES)[number], sections: ConfigSections = {}) {
  const appservice = (token: string, domain: string) => ({
    id: domain,
    asToken: token,
    senderUserId: `@bridge:${domain}`,
    userNamespaces: [{ regex: `@.*:${domain}` }],
  });
  const service = await startTestService(t, engine, {
    homeservers: [SERVER_NAME, OTHER].map((name) => ({ name, csApi: 'http://127.0.0.1:9' })),
    accessTokens: {
      useLocalAppserviceConfig: true,
      appservices: [appservice('here', SERVER_NAME), appservice('there', OTHER)],
    },
    ...sections,
  });
  const askAt =
    (host: string, token: string) =>
    (path: string, init: RequestInit = {}) =>
      service.ask(path, {
        ...init,
        headers: { ...init.headers, 'x-forwarded-host': host, authorization: `Bearer ${token}` },
      });
  return { ...service, here: askAt(SERVER_NAME, 'here'), there: askAt(OTHER, 'there') };
}

const copyPath = (uri: string, prefix = '/_matrix/media/unstable') => `${prefix}/local_copy/${mediaPathOf(uri)}`;

async function copiedUri(answer: Response): Promise<string> {
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return ((await answer.json()) as { content_uri: string }).content_uri;
}

async function countFiles({ media }: TestService): Promise<number> {
  return (await readdir(media, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
}

for (const engine of ENGINES) {
  test(`on ${engine.name}, a copy of another domain’s media is media of one’s own, on the same object`, {
    skip: engine.skip,
  }, async (t) => {
    const service = await start(t, engine);
    const source = await uploadBytes(service.there, Buffer.from('hello'), { type: 'text/plain', name: 'a.txt' });
    const copies = [
      await copiedUri(await service.here(copyPath(source))),
      await copiedUri(await service.here(copyPath(source, '/_matrix/media/unstable/io.t2bot.media'))),
    ];
    assert.ok(copies[0]?.startsWith(`mxc://${SERVER_NAME}/`));
    assert.equal(copies[1], copies[0], 'the same copy again');
    const other = await copiedUri(await service.here(`${copyPath(source)}?user_id=@bob:${SERVER_NAME}`));
    assert.notEqual(other, copies[0]);
    for (const uri of [other, ...copies]) {
      const answer = await service.here(pathOf(uri));
      assert.equal(await answer.text(), 'hello');
      assert.equal(answer.headers.get('content-disposition'), 'inline; filename=a.txt');
      const open = await fetch(`${service.url}/_matrix/media/v3/download/${mediaPathOf(uri)}`, {
        headers: { 'x-forwarded-host': SERVER_NAME },
      });
      assert.equal(open.status, 404, 'frozen as all new media');
    }
    assert.equal(await countFiles(service), 1);
  });
}

test('copies count towards the quota of who makes them', async (t) => {
  const quotas = { enabled: true, users: [{ glob: `@*:${SERVER_NAME}`, maxBytes: 8 }] };
  const service = await start(t, SQLITE, { uploads: { minBytes: 0, quotas } });
  const uris = [];
  for (const text of ['hello', 'world']) uris.push(await uploadBytes(service.there, Buffer.from(text)));
  await copiedUri(await service.here(copyPath(uris[0] ?? '')));
  await copiedUri(await service.here(copyPath(uris[0] ?? '')));
  const refused = await service.here(copyPath(uris[1] ?? ''));
  assert.deepEqual(await errorOf(refused), { status: 403, errcode: 'M_FORBIDDEN' });
});

test('there is no copy of one’s own domain’s media, of none, without a token, or for a look only', async (t) => {
  const service = await start(t, SQLITE, { federation: { ignoredHosts: ['bad.example.org'] } });
  const own = await uploadBytes(service.here, Buffer.from('hello'));
  const source = await uploadBytes(service.there, Buffer.from('hello'));
  const unauthorized = await fetch(service.url + copyPath(source), { headers: { 'x-forwarded-host': SERVER_NAME } });
  for (const [answer, status, errcode] of [
    [await service.here(copyPath(own)), 400, 'M_UNKNOWN'],
    [await service.here(`${copyPath(`mxc://${OTHER}/none`)}?timeout_ms=0`), 404, 'M_NOT_FOUND'],
    [await service.here(copyPath(`mxc://${OTHER}/a%2Fb`)), 400, 'M_INVALID_PARAM'],
    [await service.here(copyPath('mxc://bad.example.org/abc')), 403, 'M_NOT_FOUND'],
    [await service.here(`${copyPath(source)}?allow_remote=perhaps`), 400, 'M_INVALID_PARAM'],
    [unauthorized, 401, 'M_MISSING_TOKEN'],
  ] as const) {
    assert.deepEqual(await errorOf(answer), { status, errcode });
  }
  const head = await service.here(copyPath(source), { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('allow')], [405, 'GET, OPTIONS']);
});
