import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { errorOf } from './client.ts';
import { startConnectProxy } from './connect-proxy.ts';
import { makeJpeg } from './pictures.ts';
import { page, playPreviews, SITE } from './played-previews.ts';
import { ENGINES, listObjects, pathOf, startServiceIn } from './service.ts';

const LINK = `https://${SITE}/page`;

test('a page becomes a preview, and its picture media of this server', async (t) => {
  const { preview, site, service } = await playPreviews(t);
  const picture = await makeJpeg({ width: 300, height: 200 });
  site.answer(
    '/page',
    page(`<meta property="og:title" content="A title"><meta property="og:image" content="/picture">
      <meta property="og:url" content="${LINK}"><meta property="og:type" content="article"><p>What it says`),
  );
  site.answer('/picture', page(picture, { 'content-type': 'text/plain' }));
  const answer = await preview(LINK);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  const { 'og:image': image, ...rest } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(rest, {
    'og:url': LINK,
    'og:type': 'article',
    'og:title': 'A title',
    'og:description': 'What it says',
    'og:image:type': 'image/jpeg',
    'og:image:width': 300,
    'og:image:height': 200,
    'matrix:image:size': picture.length,
  });
  assert.match(String(image), /^mxc:\/\/example\.org\//);
  const sent = await service.ask(pathOf(String(image)));
  assert.deepEqual([sent.status, sent.headers.get('content-type')], [200, 'image/jpeg']);
  assert.deepEqual(Buffer.from(await sent.arrayBuffer()), picture);
});

const PAGE = '<title>A title</title><p>A text';
const TOLD = { 'og:title': 'A title', 'og:description': 'A text' };

test('the same link is asked once an hour, however it is written and however many ask', async (t) => {
  const { preview, site } = await playPreviews(t);
  site.answer('/page', page(PAGE));
  const links = [LINK, `${LINK}#part`, LINK.replace(SITE, SITE.toUpperCase()), LINK.replace(SITE, `${SITE}:443`)];
  const answers = await Promise.all(links.map((link) => preview(link)));
  for (const answer of answers) assert.deepEqual(await answer.json(), TOLD);
  assert.equal(site.requests.length, 1);
  await preview(LINK, { ts: String(Date.now() + 7_200_000) }); // nothing newer than now can be had
  assert.equal(site.requests.length, 1);
});

test('a preview is asked for in the language of the client, and kept for each', async (t) => {
  const { preview, site } = await playPreviews(t);
  site.answer('/page', ({ headers }, response) => page(`<title>${headers['accept-language']}</title>`)(null, response));
  const ask = async (language?: string) => {
    const headers = language === undefined ? {} : { 'accept-language': language };
    return ((await (await preview(LINK, {}, { headers })).json()) as Record<string, unknown>)['og:title'];
  };
  assert.equal(await ask('de'), 'de');
  assert.equal(await ask('fr-CA, fr;q=0.5'), 'fr-CA, fr;q=0.5');
  assert.equal(await ask('de'), 'de');
  assert.equal(site.requests.length, 2);
  assert.equal(site.requests[0]?.headers['user-agent'], 'matrix-media-repo');
});

for (const engine of ENGINES) {
  test(`${engine.name}: previews outlive the process, and so does that there is none`, {
    skip: engine.skip,
  }, async (t) => {
    const { preview, site, service, resolver, routes, authority } = await playPreviews(t, {}, { engine });
    site.answer('/page', page(PAGE));
    site.answer('/gone', { status: 410 });
    assert.deepEqual(await (await preview(LINK)).json(), TOLD);
    assert.equal((await preview(`https://${SITE}/gone`)).status, 404);
    await service.stop();
    const outside = { resolver, route: routes.route, authorities: [authority.pem] };
    const { ask } = await startServiceIn(t, service, undefined, outside);
    const again = (link: string) => ask(`/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(link)}`);
    assert.deepEqual(await (await again(LINK)).json(), TOLD);
    assert.deepEqual(await errorOf(await again(`https://${SITE}/gone`)), { status: 404, errcode: 'M_NOT_FOUND' });
    assert.equal(site.requests.length, 2);
  });
}

test('a page of an hour that is over is shown as it was then, if anybody has looked at it, else as it is now', async (t) => {
  const { preview, site, service } = await playPreviews(t);
  site.answer('/page', page(PAGE));
  const then = Math.floor(Date.now() / 3_600_000 - 48) * 3_600_000;
  await preview(LINK, { ts: String(then) });
  using database = new DatabaseSync(join(service.path, 'vitrine.db'));
  const language = 'en-US,en';
  database
    .prepare("INSERT INTO url_previews VALUES (?, '', ?, '', '', '', '', 'As it was', '', '', 0, 0, 0, ?)")
    .run(`https://${SITE}/old`, then, language);
  database
    .prepare("INSERT INTO url_previews VALUES (?, 'M_NOT_FOUND', ?, '', '', '', '', '', '', '', 0, 0, 0, '')")
    .run(`https://${SITE}/new`, then);
  const headers = { 'accept-language': language };
  const old = await preview(`https://${SITE}/old`, { ts: String(then + 1_234_567) }, { headers });
  assert.deepEqual(await old.json(), { 'og:title': 'As it was' });
  assert.equal(site.requests.length, 1);
  site.answer('/new', page(PAGE));
  const later = await preview(`https://${SITE}/new`, { ts: String(then) }, { headers });
  assert.deepEqual(await later.json(), TOLD, 'there was none then');
});

test('a picture that has been quarantined or removed is no longer told of', async (t) => {
  const { preview, site, service, resolver, routes, authority } = await playPreviews(t);
  const picture = await makeJpeg({ width: 300, height: 200 });
  site.answer('/page', page('<title>A title</title><meta property="og:image" content="/picture"><p>A text'));
  site.answer('/picture', page(picture, { 'content-type': 'image/jpeg' }));
  const told = (await (await preview(LINK)).json()) as Record<string, unknown>;
  assert.equal(typeof told['og:image'], 'string');
  await service.stop();
  {
    using database = new DatabaseSync(join(service.path, 'vitrine.db'));
    database.exec('UPDATE media SET quarantined = 1');
  }
  const outside = { resolver, route: routes.route, authorities: [authority.pem] };
  const { ask } = await startServiceIn(t, service, undefined, outside);
  assert.deepEqual(await (await ask(`/_matrix/client/v1/media/preview_url?url=${LINK}`)).json(), TOLD);
});

test('pictures count against the quota of the one who asks; over it, the preview goes without', async (t) => {
  const quotas = { enabled: true, users: [{ glob: '@*', maxFiles: 1 }] };
  const { preview, site, service } = await playPreviews(t, { uploads: { minBytes: 0, quotas } });
  for (const [index, width] of [100, 110].entries()) {
    site.answer(`/page/${index}`, page(`<title>T</title><meta property="og:image" content="/picture/${index}">`));
    site.answer(`/picture/${index}`, page(await makeJpeg({ width, height: 100 }), { 'content-type': 'image/jpeg' }));
  }
  const images = [];
  for (const index of [0, 1]) {
    const answer = await preview(`https://${SITE}/page/${index}`);
    images.push(((await answer.json()) as Record<string, unknown>)['og:image']);
  }
  assert.deepEqual(
    images.map((image) => typeof image),
    ['string', 'undefined'],
  );
  assert.equal((await listObjects(service)).length, 1);
});

test('a picture that no decoder understands is not kept', async (t) => {
  const { preview, site, service } = await playPreviews(t);
  const torso = (await makeJpeg({ width: 300, height: 200 })).subarray(0, 100);
  site.answer('/page', page('<title>A title</title><meta property="og:image" content="/picture"><p>A text'));
  site.answer('/picture', page(torso, { 'content-type': 'image/jpeg' }));
  assert.deepEqual(await (await preview(LINK)).json(), TOLD);
  assert.deepEqual(await listObjects(service), []);
});

test('a link to a picture is previewed with the picture, and its name', async (t) => {
  const { preview, site } = await playPreviews(t);
  const headers = { 'content-type': 'image/webp', 'content-disposition': `inline; filename*=UTF-8''gr%C3%BCn.webp` };
  site.answer('/page', page(await makeJpeg({ width: 30, height: 20 }), headers));
  const told = (await (await preview(LINK)).json()) as Record<string, unknown>;
  assert.deepEqual([told['og:title'], told['og:url'], told['og:image:type']], ['grün.webp', LINK, 'image/jpeg']);
  assert.deepEqual([told['og:image:width'], told['og:image:height']], [30, 20]);
  assert.equal(site.requests.length, 1);
});

test('types of files are listed by patterns, of which any may fit', async (t) => {
  const { preview, site } = await playPreviews(t, { urlPreviews: { filePreviewTypes: ['image/*', 'VIDEO/*'] } });
  site.answer(
    '/page',
    page('film', { 'content-type': 'video/mp4; codecs="x"', 'content-disposition': 'inline; filename=f.mp4' }),
  );
  assert.deepEqual(await (await preview(LINK)).json(), { 'og:title': 'f.mp4', 'og:url': LINK });
});

/** Sends as long as anybody reads. @returns how much went out */
function endless(first: string, piece: Buffer) {
  const sent = { bytes: 0, isOver: false };
  const handle = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write(first);
    const send = () => {
      while (!sent.isOver) {
        sent.bytes += piece.length;
        if (!response.write(piece)) return void response.once('drain', send);
      }
    };
    response.on('close', () => {
      sent.isOver = true;
    });
    send();
  };
  return { sent, handle };
}

test('a page without end is read up to its limit, whatever it is made of', async (t) => {
  const { preview, site } = await playPreviews(t, { urlPreviews: { maxPageSizeBytes: 1_000_000 } });
  for (const [index, piece] of ['<div>', 'junk ', '<a b c d="', '</x>', '&amp;', '\0', '<!--', '<p>x</p>'].entries()) {
    const { sent, handle } = endless('<title>A title</title>', Buffer.from(piece.repeat(10_000)));
    site.answer(`/${index}`, handle);
    const answer = await preview(`https://${SITE}/${index}`);
    const told = (await answer.json()) as Record<string, unknown>;
    assert.equal(told['og:title'], 'A title', piece);
    assert.ok(sent.bytes < 6_000_000, `${piece}: ${sent.bytes}`);
  }
});

test('a page that says enough is not read to its end', async (t) => {
  const { preview, site } = await playPreviews(t);
  const head = ['title', 'description', 'image']
    .map((name) => `<meta property="og:${name}" content="${name}">`)
    .join('');
  const { sent, handle } = endless(`<head>${head}</head><body>`, Buffer.from('<p>more</p>'.repeat(1_000)));
  site.answer('/page', handle);
  assert.deepEqual(await (await preview(LINK)).json(), { 'og:title': 'title', 'og:description': 'description' });
  assert.ok(sent.bytes < 5_000_000, String(sent.bytes));
});

test('50 MB of junk that are announced are not read, and have no preview', async (t) => {
  const { preview, site } = await playPreviews(t);
  site.answer('/page', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-length': 50_000_000 });
    response.write('<title>x</title>');
  });
  assert.deepEqual(await errorOf(await preview(LINK)), { status: 404, errcode: 'M_NOT_FOUND' });
});

test('a page that stops coming is previewed by what came, after the time for it', async (t) => {
  const { preview, site } = await playPreviews(t, { timeouts: { urlPreviewTimeoutSeconds: 1 } });
  const unending = (text: string) => (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write(text);
  };
  site.answer('/page', unending(PAGE));
  site.answer('/long', unending(`${PAGE}${' '.repeat(20_000)}`));
  site.answer('/nothing', unending('<p>'));
  site.answer('/silent', () => undefined);
  for (const path of ['page', 'long']) assert.deepEqual(await (await preview(`https://${SITE}/${path}`)).json(), TOLD);
  for (const path of ['nothing', 'silent']) assert.equal((await preview(`https://${SITE}/${path}`)).status, 404);
});

test('a page or a text whose connection ends in the middle is previewed by what came', async (t) => {
  const { preview, site } = await playPreviews(t);
  const torn = (type: string, text: string) => (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': type, 'content-length': 1_000 });
    response.write(text, () => response.destroy());
  };
  site.answer('/page', torn('text/html', PAGE));
  site.answer('/text', torn('text/plain', 'A text'));
  assert.deepEqual(await (await preview(LINK)).json(), TOLD);
  const text = `https://${SITE}/text`;
  const told = { 'og:title': text, 'og:url': text, 'og:description': 'A text' };
  assert.deepEqual(await (await preview(text)).json(), told);
});

test('a site may send more headers than most servers take', async (t) => {
  const { preview, site } = await playPreviews(t);
  site.answer('/page', page(PAGE, { 'content-security-policy': 'x '.repeat(20_000) }));
  assert.deepEqual(await (await preview(LINK)).json(), TOLD);
});

test('bad certificates are refused, unless the operator takes any', async (t) => {
  for (const [previewUnsafeCertificates, status] of [
    [false, 404],
    [true, 200],
  ] as const) {
    const { preview, dns, start } = await playPreviews(t, { urlPreviews: { previewUnsafeCertificates } });
    dns.set('expired.example', 'A', ['203.0.113.9']);
    const expired = await start('203.0.113.9 443', { names: ['expired.example'], certificates: 'expired' });
    expired.answer('/', page(PAGE));
    assert.equal((await preview('https://expired.example/')).status, status);
    assert.equal(expired.requests.length, status === 200 ? 1 : 0);
  }
});

test('previews can be switched off, and then nothing is asked', async (t) => {
  const { preview, site } = await playPreviews(t, { urlPreviews: { enabled: false } });
  site.answer('/page', page(PAGE));
  assert.deepEqual(await errorOf(await preview(LINK)), { status: 404, errcode: 'M_UNRECOGNIZED' });
  assert.equal(site.connections(), 0);
});

test('links on the deny list are not asked for, nor redirected to', async (t) => {
  const urlDenyList = ['*.internal.example', `*://${SITE}/private*`];
  const { preview, site, dns } = await playPreviews(t, { urlPreviews: { urlDenyList } });
  dns.set('wiki.internal.example', 'A', ['203.0.113.1']);
  site.answer('/way', { status: 302, headers: { location: '/%70rivate/x' } });
  site.answer('/private/x', page(PAGE));
  site.answer('/page', page(PAGE));
  const links = [
    'https://wiki.internal.example/',
    'https://WIKI.internal.example./',
    `https://${SITE}/private/x`,
    `https://${SITE}/way`,
  ];
  for (const link of links) assert.equal((await preview(link)).status, 404, link);
  assert.deepEqual(await (await preview(LINK)).json(), TOLD);
  assert.deepEqual(
    site.requests.map(({ path }) => path),
    ['/way', '/page'],
  );
});

test('a proxy is told checked addresses, with its credentials, and is asked for nothing inside', async (t) => {
  const targets = new Map<string, number>();
  const proxy = await startConnectProxy(t, (target) => targets.get(target));
  const urlPreviews = { proxy: `http://us%40er:secret@127.0.0.1:${proxy.port}` };
  const { preview, site, plainSite, routes, dns } = await playPreviews(t, { urlPreviews });
  routes.add(`127.0.0.1 ${proxy.port}`, proxy.port);
  targets.set('203.0.113.1:443', site.port).set('203.0.113.1:80', plainSite.port);
  site.answer('/page', page(PAGE));
  plainSite.answer('/page', page('<title>Plain</title>'));
  dns.set('loopback.example', 'A', ['127.0.0.1']);
  assert.deepEqual(await (await preview(LINK)).json(), TOLD);
  assert.deepEqual(await (await preview(LINK.replace('https', 'http'))).json(), { 'og:title': 'Plain' });
  const authorization = `Basic ${Buffer.from('us@er:secret').toString('base64')}`;
  assert.deepEqual(proxy.asked, [
    { target: '203.0.113.1:443', authorization },
    { target: '203.0.113.1:80', authorization },
  ]);
  for (const link of ['http://127.0.0.1/', 'http://loopback.example/', 'http://169.254.169.254/', 'http://[::1]/']) {
    assert.equal((await preview(link)).status, 404, link);
  }
  assert.equal(proxy.asked.length, 2);
  assert.equal((await preview(`https://${SITE}:8443/`)).status, 404, 'the proxy refuses it');
  assert.equal(proxy.asked.length, 3);
});

test('oEmbed: the provider of a page is asked first, and the page when it gives no answer', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-oembed-'));
  t.after(() => rm(folder, { recursive: true }));
  const oEmbedProvidersPath = join(folder, 'providers.json');
  const endpoints = ['good', 'bad', 'broken'].map((name) => {
    return { schemes: [`https://${SITE}/${name}/*`], url: `https://${SITE}/oembed/${name}` };
  });
  await writeFile(oEmbedProvidersPath, JSON.stringify([{ provider_name: 'Provider', endpoints }]));
  const { preview, site } = await playPreviews(t, { urlPreviews: { oEmbed: true, oEmbedProvidersPath } });
  site.answer('/oembed/good', {
    body: { type: 'rich', title: 'Told', html: '<p>By <a href="https://x.example/">x</a></p>' },
  });
  site.answer('/oembed/bad', { status: 500 });
  site.answer('/oembed/broken', { body: '{"title": 5' });
  for (const name of ['bad', 'broken']) site.answer(`/${name}/1`, page(PAGE));
  assert.deepEqual(await (await preview(`https://${SITE}/good/1?a=b`)).json(), {
    'og:url': `https://${SITE}/good/1?a=b`,
    'og:site_name': 'Provider',
    'og:type': 'rich',
    'og:title': 'Told',
    'og:description': 'By https://x.example/',
  });
  assert.equal(
    site.requests[0]?.path,
    `/oembed/good?format=json&url=${encodeURIComponent(`https://${SITE}/good/1?a=b`)}`,
  );
  for (const name of ['bad', 'broken']) {
    assert.deepEqual(await (await preview(`https://${SITE}/${name}/1`)).json(), TOLD, name);
  }
});

test('oEmbed: a page that does not describe itself is described by whom it names', async (t) => {
  const { preview, site } = await playPreviews(t, { urlPreviews: { oEmbed: true } });
  const link = '<link rel="alternate" type="application/json+oembed" href="/oembed?url=x">';
  site.answer('/page', page(`<title>plain</title>${link}<p>A text`));
  site.answer('/og', page(`<meta property="og:title" content="own">${link}<p>A text`));
  const description = JSON.stringify({ type: 'link', title: 'Better', provider_name: 'P' });
  site.answer('/oembed', page(`\ufeff${description}`, { 'content-type': 'application/json' }));
  const told = { 'og:title': 'Better', 'og:description': 'A text', 'og:site_name': 'P', 'og:type': 'link' };
  assert.deepEqual(await (await preview(LINK)).json(), told);
  assert.equal(((await (await preview(`https://${SITE}/og`)).json()) as Record<string, unknown>)['og:title'], 'own');
});

test('whoever leaves stops what is done for them alone', async (t) => {
  const { preview, site } = await playPreviews(t);
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  site.answer('/page', (_, response) => {
    begin();
    response.on('close', leave);
  });
  const leaving = new AbortController();
  const asking = preview(LINK, {}, { signal: leaving.signal });
  await begun;
  leaving.abort();
  await assert.rejects(asking);
  await left;
});
