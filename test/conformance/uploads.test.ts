import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { errorOf, mediaPathOf, startWithUsers } from '../client.ts';
import { pathOf } from '../service.ts';

const UPLOAD = '/_matrix/media/v3/upload';

test('U-1, U-2, U-3, U-9, U-13, MXC-1, MXC-2, MXC-3: an upload gets a URI and is there at once, with its type and name', async (t) => {
  const { askAs } = await startWithUsers(t);
  const sent: readonly (readonly [type: string | undefined, served: string])[] = [
    ['img/png', 'img/png'],
    ['Image/PNG; a="b c"', 'Image/PNG; a="b c"'],
    [undefined, 'application/octet-stream'],
  ];
  for (const [type, served] of sent) {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const body = Buffer.from(`content of ${type}`);
    const answer = await askAs('alice', `${UPLOAD}?filename=a%20b.png`, {
      method: 'POST',
      body,
      headers: { 'content-disposition': 'inline; filename=no', ...headers },
    });
    const { content_uri } = (await answer.json()) as { content_uri: string };
    assert.match(content_uri, /^mxc:\/\/example\.org\/[A-Za-z0-9_-]{22,255}$/);
    const media = await askAs('alice', pathOf(content_uri));
    assert.equal(media.headers.get('content-type'), served);
    assert.match(media.headers.get('content-disposition') ?? '', /; filename="a b.png"$/);
    assert.equal(await media.text(), body.toString());
  }
});

test('U-4, U-5, U-7, U-8, U-10, U-12, SEC-4, SEC-9: what is too large, too small or over the quota is refused and leaves nothing', async (t) => {
  const quotas = { enabled: true, users: [{ glob: '@bob:*', maxBytes: 60 }] };
  const { askAs, media } = await startWithUsers(t, { uploads: { maxBytes: 100, minBytes: 10, quotas } });
  const chunked = (bytes: number) => ({ body: new Blob(['x'.repeat(bytes)]).stream(), duplex: 'half' }) as RequestInit;
  const upload = (user: string, init: RequestInit) => askAs(user, UPLOAD, { method: 'POST', ...init });
  assert.deepEqual(await errorOf(await upload('alice', { body: 'x'.repeat(101) })), {
    status: 413,
    errcode: 'M_TOO_LARGE',
  });
  assert.deepEqual(await errorOf(await upload('alice', chunked(101))), { status: 413, errcode: 'M_TOO_LARGE' });
  for (const init of [{ body: 'x'.repeat(9) }, {}, chunked(9)]) {
    assert.equal((await errorOf(await upload('alice', init))).status, 400);
  }
  assert.deepEqual(await errorOf(await upload('bob', { body: 'x'.repeat(61) })), {
    status: 403,
    errcode: 'M_FORBIDDEN',
  });
  assert.deepEqual(await errorOf(await upload('bob', chunked(61))), { status: 403, errcode: 'M_FORBIDDEN' });
  assert.deepEqual(
    (await readdir(media)).filter((name) => !name.startsWith('.')),
    [],
  );
  assert.deepEqual(await readdir(`${media}/.vitrine-tmp`), []);
  assert.equal((await upload('alice', { body: 'x'.repeat(100) })).status, 200);
  assert.equal((await upload('alice', chunked(100))).status, 200);
});

test('U-11, CR-10, CR-4, CR-6, CR-7, CR-8, CR-9: an ID is filled by who created it, once, and refusals come in order', async (t) => {
  const { askAs, askOpenly } = await startWithUsers(t, { uploads: { minBytes: 0, maxBytes: 10 } });
  const create = async () =>
    ((await (await askAs('alice', '/_matrix/media/v1/create', { method: 'POST' })).json()) as { content_uri: string })
      .content_uri;
  const put = async (user: string, media: string, body = 'hello') =>
    await errorOf(await askAs(user, `${UPLOAD}/${media}`, { method: 'PUT', body }));
  const media = mediaPathOf(await create());
  const large = 'x'.repeat(11);
  assert.equal((await errorOf(await askOpenly(`${UPLOAD}/a%20b/x`, { method: 'PUT', body: large }))).status, 401);
  assert.equal((await put('alice', 'a%20b/x', large)).status, 400);
  assert.deepEqual(await put('alice', 'other.example.org/x', large), { status: 404, errcode: 'M_NOT_FOUND' });
  assert.deepEqual(await put('alice', 'example.org/never', large), { status: 404, errcode: 'M_NOT_FOUND' });
  assert.deepEqual(await put('bob', media, large), { status: 403, errcode: 'M_FORBIDDEN' });
  assert.deepEqual(await put('alice', media, large), { status: 413, errcode: 'M_TOO_LARGE' });
  assert.equal((await askAs('alice', `${UPLOAD}/${media}`, { method: 'PUT', body: 'hello' })).status, 200);
  assert.deepEqual(await put('alice', media, ''), { status: 409, errcode: 'M_CANNOT_OVERWRITE_MEDIA' });
  assert.deepEqual(await put('alice', media, large), { status: 409, errcode: 'M_CANNOT_OVERWRITE_MEDIA' });
});

test('CFG-1, CFG-2, CFG-4: the configuration tells what may be uploaded, or what the proxy lets through, or nothing', async (t) => {
  for (const [uploads, told] of [
    [{ maxBytes: 5000 }, { 'm.upload.size': 5000 }],
    [{ maxBytes: 5000, reportedMaxBytes: 3000 }, { 'm.upload.size': 3000 }],
    [{ maxBytes: 0 }, {}],
    [{ maxBytes: 5000, reportedMaxBytes: -1 }, {}],
  ] as const) {
    const { askAs } = await startWithUsers(t, { uploads });
    for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config']) {
      assert.deepEqual(await (await askAs('alice', path)).json(), told);
    }
  }
});
