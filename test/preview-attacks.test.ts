import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startRawRemote } from './fake-remote.ts';
import { makePng } from './pictures.ts';
import { type PlayedPreviews, page, playPreviews, SITE, SITE_ADDRESS } from './played-previews.ts';
import { HOSTS, INSIDE, LINKS, LURES, NAMES } from './preview-attacks.ts';

/** Every connection to anything but the site would end in a trap, which answers as the inside would. */
async function playTrap(t: TestContext, sections: Readonly<Record<string, unknown>> = {}) {
  const reached: string[] = [];
  const picture = await makePng({ width: 20, height: 20 });
  const trap = await startRawRemote((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: ${picture.length}\r\n\r\n`);
    socket.end(picture);
  });
  t.after(() => trap[Symbol.asyncDispose]());
  const played = await playPreviews(t, sections, {
    route: (usual) => (endpoint) => {
      if (endpoint.address === SITE_ADDRESS) return usual(endpoint);
      reached.push(`${endpoint.address} ${endpoint.port}`);
      return { address: '127.0.0.1', port: trap.port };
    },
  });
  for (const [name, { type, values }] of Object.entries(NAMES)) played.dns.set(name, type, values);
  const assertNothingReached = () => {
    assert.deepEqual(reached, []);
    assert.equal(trap.connections(), 0);
  };
  return { ...played, trap, assertNothingReached };
}

test('what the tests below find shut is open where the operator opens it', async (t) => {
  const { preview, trap } = await playTrap(t, { urlPreviews: { disallowedNetworks: [] } });
  for (const host of ['127.0.0.1', '[::1]', '10.0.0.1', 'loopback.example']) await preview(`http://${host}/`);
  assert.equal(trap.connections(), 4);
});

async function assertRefused(answer: Response, what: string): Promise<void> {
  const text = await answer.text();
  assert.ok(answer.status === 400 || answer.status === 404, `${what}: ${answer.status} ${text}`);
  assert.doesNotMatch(text, /127\.0|::1|169\.254|refused|forbidden|connected/i, what);
}

test('PV-8, SEC-13: no way of writing an address inside leads there', async (t) => {
  const { preview, assertNothingReached } = await playTrap(t);
  for (const host of HOSTS) {
    for (const link of [`http://${host}/`, `https://${host}:8443/x`]) await assertRefused(await preview(link), link);
    assertNothingReached();
  }
});

test('PV-8: no link that seems to be another one leads inside, and no other scheme leads anywhere', async (t) => {
  const { preview, assertNothingReached } = await playTrap(t);
  for (const link of LINKS) {
    await assertRefused(await preview(link), link);
    assertNothingReached();
  }
});

test('PV-8: no name of others leads inside', async (t) => {
  const { preview, assertNothingReached } = await playTrap(t);
  for (const name of Object.keys(NAMES)) {
    for (const link of [`http://${name}/`, `https://${name}./`]) await assertRefused(await preview(link), link);
    assertNothingReached();
  }
});

test('PV-8: a name with addresses in and outside leads outside only', async (t) => {
  const { dns, preview, plainSite, assertNothingReached } = await playTrap(t);
  plainSite.answer('/', page('<title>outside</title>'));
  dns.set('both.example', 'A', ['127.0.0.1', SITE_ADDRESS]);
  dns.set('both.example', 'AAAA', ['::1', '64:ff9b::7f00:1']);
  assert.equal((await preview('http://both.example/')).status, 200);
  assertNothingReached();
});

test('PV-8: a name that leads elsewhere with every question is asked once for a connection', async (t) => {
  const { dns, preview, plainSite, assertNothingReached } = await playTrap(t);
  const answer = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/html', connection: 'close' });
    response.end('<title>outside</title><meta property="og:image" content="http://rebinding.example/picture.png">');
  };
  plainSite.answer('/', answer);
  plainSite.answer('/again', answer);
  dns.setInTurn('rebinding.example', 'A', [[SITE_ADDRESS], ['127.0.0.1'], ['169.254.169.254'], ['10.0.0.1']]);
  const first = await preview('http://rebinding.example/');
  assert.deepEqual(await first.json(), { 'og:title': 'outside' });
  await assertRefused(await preview('http://rebinding.example/again'), 'the second question');
  assertNothingReached();
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`PV-8: a redirect with ${status} does not lead inside`, async (t) => {
    const { preview, site, assertNothingReached } = await playTrap(t);
    for (const [index, inside] of INSIDE.entries()) {
      const location = inside.replace(/^http:/, index % 2 === 0 ? 'http:' : '');
      site.answer(`/to/${index}`, { status, headers: { location } });
      site.answer(`/first/${index}`, { status, headers: { location: `/to/${index}` } });
      for (const path of ['to', 'first'])
        await assertRefused(await preview(`https://${SITE}/${path}/${index}`), inside);
    }
    assertNothingReached();
  });
}

test('PV-8: no page makes its reader ask for something inside', async (t) => {
  const { preview, site, assertNothingReached } = await playTrap(t, { urlPreviews: { oEmbed: true } });
  for (const [name, lure] of Object.entries(LURES)) {
    for (const [index, inside] of INSIDE.entries()) {
      const path = `/${encodeURIComponent(name)}/${index}`;
      site.answer(
        path,
        page(`<title>lure</title>${lure(inside)}<p>text`, { refresh: `0; url=${inside}`, link: `<${inside}>` }),
      );
      const answer = await preview(`https://${SITE}${path}`);
      const told = (await answer.json()) as Record<string, unknown>;
      assert.deepEqual([answer.status, told['og:title'], told['og:image']], [200, 'lure', undefined], name);
      assertNothingReached();
    }
  }
});

test('PV-8: a picture that is redirected does not come from inside', async (t) => {
  const { preview, site, assertNothingReached } = await playTrap(t);
  for (const [index, inside] of INSIDE.entries()) {
    site.answer(`/picture/${index}`, { status: 302, headers: { location: inside } });
    site.answer(`/page/${index}`, page(`<title>x</title><meta property="og:image" content="/picture/${index}">`));
    assert.deepEqual(await (await preview(`https://${SITE}/page/${index}`)).json(), { 'og:title': 'x' });
  }
  assertNothingReached();
});

test('PV-8: oEmbed providers lead nobody inside, by where they are, by redirects or by what they say', async (t) => {
  const providers = join(tmpdir(), `vitrine-providers-${process.pid}.json`);
  const endpoints = INSIDE.map((url, index) => ({ schemes: [`https://${SITE}/endpoint/${index}`], url }));
  const redirected = { schemes: [`https://${SITE}/redirected/*`], url: `https://${SITE}/oembed/redirected` };
  const pictures = INSIDE.map((_, index) => {
    return { schemes: [`https://${SITE}/described/${index}`], url: `https://${SITE}/oembed/${index}` };
  });
  await writeFile(
    providers,
    JSON.stringify([{ provider_name: 'P', endpoints: [...endpoints, redirected, ...pictures] }]),
  );
  const sections = { urlPreviews: { oEmbed: true, oEmbedProvidersPath: providers } };
  const { preview, site, assertNothingReached } = await playTrap(t, sections);
  site.answer('/oembed/redirected', { status: 302, headers: { location: INSIDE[0] ?? '' } });
  site.answer('/redirected/x', page('<title>fallback</title>'));
  assert.deepEqual(await (await preview(`https://${SITE}/redirected/x`)).json(), { 'og:title': 'fallback' });
  for (const [index, inside] of INSIDE.entries()) {
    site.answer(`/endpoint/${index}`, page('<title>fallback</title>'));
    assert.deepEqual(await (await preview(`https://${SITE}/endpoint/${index}`)).json(), { 'og:title': 'fallback' });
    site.answer(`/oembed/${index}`, { body: { type: 'photo', title: 'T', url: inside, thumbnail_url: inside } });
    const told = (await (await preview(`https://${SITE}/described/${index}`)).json()) as Record<string, unknown>;
    assert.deepEqual([told['og:title'], told['og:image']], ['T', undefined]);
  }
  assertNothingReached();
});

test('PV-8: certificates that are not looked at make no difference to networks', async (t) => {
  const { preview, assertNothingReached } = await playTrap(t, { urlPreviews: { previewUnsafeCertificates: true } });
  for (const host of ['127.0.0.1', '[::1]', '10.0.0.1', 'loopback.example', '169.254.169.254']) {
    await assertRefused(await preview(`https://${host}/`), host);
  }
  assertNothingReached();
});

test('PV-8: an empty list of forbidden networks still forbids those without sites, one of allowed networks all', async (t) => {
  const open = await playTrap(t, { urlPreviews: { disallowedNetworks: [] } });
  for (const host of [
    '169.254.169.254',
    '0.0.0.0',
    '[::]',
    '[fe80::1]',
    '224.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
  ]) {
    await assertRefused(await open.preview(`http://${host}/`), host);
  }
  open.assertNothingReached();
  const closed = await playTrap(t, { urlPreviews: { allowedNetworks: [] } });
  await assertRefused(await closed.preview(`https://${SITE}/`), SITE);
  assert.equal(closed.site.connections(), 0);
});

test('PV-8: proxies of the environment are not asked', async (t) => {
  const { trap, preview, site, assertNothingReached } = await playTrap(t);
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = `http://127.0.0.1:${trap.port}`;
  t.after(() => {
    for (const [index, name] of names.entries()) {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    }
  });
  site.answer('/', page('<title>direct</title>'));
  assert.deepEqual(await (await preview(`https://${SITE}/`)).json(), { 'og:title': 'direct' });
  await assertRefused(await preview('http://127.0.0.1/'), 'loopback');
  assertNothingReached();
});

test('a preview that is refused says nothing of why', async (t) => {
  const { dns, preview }: PlayedPreviews = await playTrap(t);
  dns.set('private.example', 'A', ['10.0.0.1']);
  const links = ['http://private.example/', 'http://nowhere.example/', 'http://10.0.0.1/', `https://${SITE}:9999/`];
  const told = await Promise.all(links.map(async (link) => (await preview(link)).text()));
  assert.equal(new Set(told).size, 1);
});
