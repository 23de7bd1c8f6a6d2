import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotFound } from '../../src/matrix/index.ts';
import { errorOf, startWithUsers } from '../client.ts';
import { createPlayedServer, TOKEN } from '../http-server.ts';
import { makePng } from '../pictures.ts';
import { page, playPreviews, SITE } from '../played-previews.ts';
import { pathOf } from '../service.ts';

const PATHS = [
  '/_matrix/client/v1/media/preview_url',
  '/_matrix/media/v3/preview_url',
  '/_matrix/media/r0/preview_url',
  '/_matrix/media/v1/preview_url',
];
const LINK = `https://${SITE}/page`;

test('A-8, A-13, PV-5, ACC-7: previews are there at both places, for users alone', async (t) => {
  const { askOpenly, askAs, homeserver } = await startWithUsers(t);
  homeserver.answer('guest', { status: 200, body: { user_id: '@guest:example.org', is_guest: true } });
  for (const path of PATHS) {
    const asked = `${path}?url=${encodeURIComponent('http://127.0.0.1/')}`;
    assert.deepEqual(await errorOf(await askOpenly(asked)), { status: 401, errcode: 'M_MISSING_TOKEN' }, path);
    const asGuest = await askOpenly(asked, { headers: { authorization: 'Bearer guest' } });
    assert.deepEqual(await errorOf(asGuest), { status: 403, errcode: 'M_GUEST_ACCESS_FORBIDDEN' }, path);
    assert.deepEqual(await errorOf(await askAs('alice', asked)), { status: 404, errcode: 'M_NOT_FOUND' }, path);
    assert.equal((await askAs('alice', asked, { method: 'HEAD' })).status, 404, path);
  }
});

test('PV-1: the link is required and has to be one, the time is a number', async (t) => {
  const { askAs } = await startWithUsers(t);
  const [path = ''] = PATHS;
  const cases = [
    ['', 'M_MISSING_PARAM'],
    ['?url=', 'M_MISSING_PARAM'],
    ['?url=example.org', 'M_UNKNOWN'],
    ['?url=file:///etc/passwd', 'M_UNKNOWN'],
    ['?url=http://', 'M_UNKNOWN'],
    ['?url=http://127.0.0.1/&ts=yesterday', 'M_INVALID_PARAM'],
    ['?url=http://127.0.0.1/&ts=1.5', 'M_INVALID_PARAM'],
  ] as const;
  for (const [query, errcode] of cases) {
    assert.deepEqual(await errorOf(await askAs('alice', path + query)), { status: 400, errcode }, query);
  }
});

test('PV-2, PV-3, PV-4, PV-9, PV-10, FZ-8: the answer is OpenGraph, its picture media of ours with whole numbers beside it', async (t) => {
  const { preview, site, service } = await playPreviews(t);
  site.answer('/empty', page('<p></p>'));
  const empty = await preview(`https://${SITE}/empty`, { ts: '+1700000000000' });
  assert.deepEqual([empty.status, await empty.json()], [200, {}]);
  const picture = await makePng({ width: 640, height: 480 });
  site.answer('/page', page('<meta property="og:title" content="T"><meta property="og:image" content="/p.png">'));
  site.answer('/p.png', page(picture, { 'content-type': 'image/png' }));
  const told = (await (await preview(LINK)).json()) as Record<string, unknown>;
  const { 'og:image': image, ...rest } = told;
  assert.deepEqual(rest, {
    'og:title': 'T',
    'og:image:type': 'image/png',
    'og:image:width': 640,
    'og:image:height': 480,
    'matrix:image:size': picture.length,
  });
  const uri = String(image);
  assert.match(uri, /^mxc:\/\/example\.org\/[\w-]+$/);
  assert.equal((await service.ask(pathOf(uri))).status, 200);
  assert.equal((await service.ask(`${pathOf(uri, 'thumbnail')}?width=32&height=32`)).status, 200);
  const openly = { headers: { authorization: '' } };
  const frozen = await service.ask(pathOf(uri).replace('/client/v1/media', '/media/v3'), openly);
  assert.equal(frozen.status, 404);
});

test('PV-6: what cannot be had is 404, and so are previews where there are none, with a code of their own', async (t) => {
  const { preview, site } = await playPreviews(t);
  site.answer('/page', { status: 503 });
  assert.deepEqual(await errorOf(await preview(LINK)), { status: 404, errcode: 'M_NOT_FOUND' });
  const off = await playPreviews(t, { urlPreviews: { enabled: false } });
  assert.deepEqual(await errorOf(await off.preview(LINK)), { status: 404, errcode: 'M_UNRECOGNIZED' });
});

test('PV-7: links are in no line of the log that is written without asking for more', async (t) => {
  const { app, logged } = await createPlayedServer(t, {
    findPreview: async (_config, _domain, { link }) => {
      if (link.endsWith('none')) throw new NotFound();
      return { url: link, siteName: '', type: '', title: 'T', description: '', picture: undefined };
    },
  });
  const INFO = 30;
  for (const name of ['secret', 'secret-none']) {
    const url = `${PATHS[0]}?url=${encodeURIComponent(`https://links.example/${name}`)}`;
    await app.inject({ url, headers: { host: 'example.org', authorization: `Bearer ${TOKEN}` } });
  }
  const lines = logged
    .filter(({ level }) => typeof level !== 'number' || level >= INFO)
    .map((line) => JSON.stringify(line));
  assert.ok(lines.length >= 2);
  assert.deepEqual(
    lines.filter((line) => /secret|links\.example/.test(line) && !/"level":"(debug|trace)"/.test(line)),
    [],
  );
});
