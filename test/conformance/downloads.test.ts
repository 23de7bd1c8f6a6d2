import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { parse } from 'content-disposition';
import { errorOf, mediaPathOf, startWithUsers, uploadAsAlice } from '../client.ts';
import { makePng } from '../pictures.ts';
import { pathOf, uploadBytes } from '../service.ts';

const OPEN_REPO = { port: 0, logLevel: 'fatal', logDirectory: '-', freezeUnauthenticatedMedia: false };

test('DL-1, DL-12, DL-13, DL-14, CT-1, CT-2: the bytes come back as they were, whole, in parts, or not at all when known', async (t) => {
  const service = await startWithUsers(t);
  const bytes = randomBytes(300_000);
  const path = pathOf(await uploadAsAlice(service, bytes, { type: 'image/png' }));
  const whole = await service.askAs('alice', path);
  assert.deepEqual(Buffer.from(await whole.arrayBuffer()), bytes);
  assert.equal(whole.headers.get('content-length'), '300000');
  assert.equal(whole.headers.get('accept-ranges'), 'bytes');
  assert.match(whole.headers.get('cache-control') ?? '', /^private, max-age=\d+/);
  const part = await service.askAs('alice', path, { headers: { range: 'bytes=10-19' } });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), 'bytes 10-19/300000');
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(10, 20));
  const beyond = await service.askAs('alice', path, { headers: { range: 'bytes=300000-' } });
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */300000']);
  const known = { 'if-none-match': whole.headers.get('etag') ?? '' };
  assert.equal((await service.askAs('alice', path, { headers: known })).status, 304);
  assert.equal((await service.askOpenly(path, { headers: known })).status, 401, 'after the token');
});

test('DL-3, CD-1, CD-5, CD-6, CD-7: the name of the path wins, then that of the upload, and none is invented', async (t) => {
  const service = await startWithUsers(t);
  const named = await uploadAsAlice(service, Buffer.from('a'), { name: 'stored.txt', type: 'text/plain' });
  const nameless = await uploadAsAlice(service, Buffer.from('b'), { type: 'text/plain' });
  const nameOf = async (path: string) =>
    parse((await service.askAs('alice', path)).headers.get('content-disposition') ?? '').parameters['filename'];
  assert.equal(await nameOf(pathOf(named)), 'stored.txt');
  assert.equal(await nameOf(pathOf(nameless)), undefined);
  for (const name of [
    'ascii',
    'name with spaces',
    'name;with;semicolons',
    '\u{1F414}',
    '\u2615',
    'a"b\\c',
    "it's",
    '%41',
  ]) {
    assert.equal(await nameOf(`${pathOf(named)}/${encodeURIComponent(name)}`), name);
    assert.equal(await nameOf(pathOf(await uploadAsAlice(service, Buffer.from(name), { name }))), name);
  }
  assert.equal(await nameOf(`${pathOf(named)}/a%0d%0ab%00`), 'ab');
});

const INLINE =
  'text/css text/plain text/csv application/json application/ld+json image/jpeg image/gif image/png image/apng image/webp image/avif video/mp4 video/webm video/ogg video/quicktime audio/mp4 audio/webm audio/aac audio/mpeg audio/ogg audio/wave audio/wav audio/x-wav audio/x-pn-wav audio/flac audio/x-flac'.split(
    ' ',
  );
const ATTACHED =
  'text/html image/svg+xml text/xml application/xml application/xhtml+xml text/javascript application/javascript application/pdf application/octet-stream x/unknown'.split(
    ' ',
  );

test('CD-1, CD-2, CD-3, CD-4, CD-9, CT-3, SEC-12: types that run nothing are shown, all others saved', async (t) => {
  const service = await startWithUsers(t);
  assert.equal(INLINE.length, 26);
  const dispositionOf = async (type: string, query = '') => {
    const path = pathOf(await uploadAsAlice(service, Buffer.from('<script>alert(1)</script>'), { type }));
    return (await service.askAs('alice', path + query)).headers.get('content-disposition');
  };
  for (const type of INLINE) {
    for (const written of [type, type.toUpperCase(), `${type}; charset=utf-8`]) {
      assert.equal(await dispositionOf(written), 'inline', written);
    }
  }
  for (const type of ATTACHED) assert.equal(await dispositionOf(type), 'attachment', type);
  assert.equal(await dispositionOf('image/png', '?asAttachment=true'), 'attachment');
  const text = await service.askAs(
    'alice',
    pathOf(await uploadAsAlice(service, Buffer.from('text'), { type: 'text/plain' })),
  );
  assert.equal(text.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(text.headers.get('x-content-type-options'), 'nosniff');
});

test('HD-1, HD-2, HD-3, HD-4: media, parts, errors and thumbnails come with the headers that lock browsers in', async (t) => {
  const service = await startWithUsers(t);
  const picture = pathOf(
    await uploadAsAlice(service, await makePng({ width: 200, height: 100 }), { type: 'image/png' }),
  );
  const { headers } = await service.askAs('alice', picture);
  const answers = [
    await service.askAs('alice', picture),
    await service.askAs('alice', picture, { headers: { range: 'bytes=0-1' } }),
    await service.askAs('alice', picture, { headers: { range: 'bytes=900000-' } }),
    await service.askAs('alice', picture, { headers: { 'if-none-match': headers.get('etag') ?? '' } }),
    await service.askAs('alice', `${picture.replace('download', 'thumbnail')}?width=16&height=16`),
    await service.askAs('alice', '/_matrix/client/v1/media/download/example.org/none'),
    await service.askOpenly(picture),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 206, 416, 304, 200, 404, 401],
  );
  for (const answer of answers) {
    assert.equal(
      answer.headers.get('content-security-policy'),
      "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
    );
    assert.equal(answer.headers.get('cross-origin-resource-policy'), 'cross-origin');
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(answer.headers.get('x-robots-tag'), 'noindex, nofollow, noarchive, noimageindex');
  }
});

test('DL-11: quarantined media is not found', async (t) => {
  const service = await startWithUsers(t);
  const uri = await uploadAsAlice(service, Buffer.from('bad'));
  await service.stop();
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(`${service.path}/vitrine.db`);
  database.exec('UPDATE media SET quarantined = 1');
  database.close();
  const { startServiceIn } = await import('../service.ts');
  const again = await startServiceIn(t, service);
  const headers = { authorization: `Bearer ${service.homeserver.addUser('alice')}` };
  assert.deepEqual(await errorOf(await again.ask(pathOf(uri), { headers })), { status: 404, errcode: 'M_NOT_FOUND' });
  const body = Buffer.from('bad');
  const refused = await again.ask('/_matrix/media/v3/upload', { method: 'POST', body, headers });
  assert.deepEqual(await errorOf(refused), { status: 403, errcode: 'M_FORBIDDEN' });
});

test('FZ-1, FZ-2, FZ-3, FZ-5, FZ-7, FZ-8, FZ-9: with the freeze, new media needs a token, and what was there before does not', async (t) => {
  const service = await startWithUsers(t, { repo: OPEN_REPO });
  const old = await uploadAsAlice(service, Buffer.from('old'));
  await service.stop();
  const { readFile, writeFile } = await import('node:fs/promises');
  const { startServiceIn } = await import('../service.ts');
  const config = await readFile(service.configPath, 'utf8');
  await writeFile(
    service.configPath,
    config.replace('freezeUnauthenticatedMedia: false', 'freezeUnauthenticatedMedia: true'),
  );
  const frozen = await startServiceIn(t, service);
  const authorization = `Bearer ${service.homeserver.addUser('alice')}`;
  const ask = (path: string, init: RequestInit = {}) => frozen.ask(path, { ...init, headers: { authorization } });
  const fresh = await uploadBytes((path, init) => ask(path, init), Buffer.from('new'));
  const created = (await (await ask('/_matrix/media/v1/create', { method: 'POST' })).json()) as { content_uri: string };
  await ask(`/_matrix/media/v3/upload/${mediaPathOf(created.content_uri)}`, { method: 'PUT', body: 'later' });
  const statusOf = async (path: string, token?: string) =>
    (
      await fetch(frozen.url + path, {
        headers: { 'x-forwarded-host': 'example.org', ...(token && { authorization: token }) },
      })
    ).status;
  assert.equal(await statusOf(`/_matrix/media/v3/download/${mediaPathOf(old)}`), 200);
  for (const uri of [fresh, created.content_uri]) {
    for (const version of ['r0', 'v1', 'v3']) {
      assert.equal(await statusOf(`/_matrix/media/${version}/download/${mediaPathOf(uri)}`), 404);
      assert.equal(await statusOf(`/_matrix/media/${version}/thumbnail/${mediaPathOf(uri)}?width=1&height=1`), 404);
    }
    assert.equal(await statusOf(pathOf(uri), authorization), 200);
  }
});
