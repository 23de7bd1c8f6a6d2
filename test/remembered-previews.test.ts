import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createOwnCluster } from '../src/cluster/index.ts';
import { createPreviews } from '../src/previews/index.ts';
import { openLog } from '../src/telemetry/index.ts';
import { makeConfig } from './config.ts';
import { openForTest } from './database/open.ts';
import { playInternet } from './played-internet.ts';
import { page, SITE, SITE_ADDRESS } from './played-previews.ts';

const SILENT = openLog({
  level: 'fatal',
  colors: false,
  json: true,
  directory: '',
  now: Date.now,
  output: () => {},
}).log;

/** Previews with a time that the test lets pass, and a site. @param otherDenies the deny list of `other.example` */
async function play(t: TestContext, otherDenies: readonly string[] = []) {
  const internet = await playInternet(t);
  internet.dns.set(SITE, 'A', [SITE_ADDRESS]);
  const site = await internet.start(`${SITE_ADDRESS} 443`, { names: [SITE] });
  const homeservers = ['example.org', 'other.example'].map((name) => ({ name, csApi: 'http://127.0.0.1:9' }));
  const loaded = await makeConfig({ homeservers });
  const domains = new Map(
    [...loaded.domains].map(([name, domain]) => {
      const urlDenyList = name === 'other.example' ? otherDenies : [];
      return [name, { ...domain, urlPreviews: { ...domain.urlPreviews, urlDenyList } }];
    }),
  );
  const config = { ...loaded, domains };
  const database = await openForTest(t, { sqlite: ':memory:' });
  let nowMs = 1_700_000_000_000;
  const refuse = async (): Promise<never> => {
    throw new Error('The test does not expect this call');
  };
  const parts = {
    database,
    locks: createOwnCluster({ now: () => nowMs }).locks,
    media: {
      upload: refuse,
      reserve: refuse,
      fill: refuse,
      copy: refuse,
      usageOf: refuse,
      find: refuse,
      open: refuse,
      follow: refuse,
    },
    thumbnailer: {
      forDomain: () => ({ render: refuse, encodeBlurhash: refuse, measure: refuse, place: refuse, hold: refuse }),
      untilFree: refuse,
    },
    log: SILENT,
    now: () => nowMs,
    outbound: { resolver: internet.resolver, route: internet.routes.route },
    authorities: [internet.authority.pem],
  };
  /** Two processes of one service. */
  const [previews, neighbour] = [createPreviews(parts), createPreviews(parts)];
  t.after(() => Promise.all([previews, neighbour].map((each) => each[Symbol.asyncDispose]())));
  const find = async (domainName = 'example.org', language = 'en', process = previews) => {
    const domain = config.domains.get(domainName);
    assert.ok(domain);
    const asked = { link: `https://${SITE}/page`, ts: undefined, language, userId: '@alice:example.org' };
    return (await process.find(config, domain, asked, t.signal)).title;
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { find, findInNeighbour: () => find('example.org', 'en', neighbour), pass, site };
}

test('what may have been passing is asked again after a minute, what is lasting after the hour', async (t) => {
  const { find, pass, site } = await play(t);
  site.answer('/page', { status: 503 });
  await assert.rejects(find(), { errcode: 'M_NOT_FOUND' });
  await assert.rejects(find(), { errcode: 'M_NOT_FOUND' });
  assert.equal(site.requests.length, 1);
  pass(61_000);
  site.answer('/page', { status: 404 });
  await assert.rejects(find(), { errcode: 'M_NOT_FOUND' });
  pass(61_000);
  site.answer('/page', page('<title>back</title>'));
  await assert.rejects(find(), { errcode: 'M_NOT_FOUND' });
  assert.equal(site.requests.length, 2);
  pass(3_600_000);
  assert.equal(await find(), 'back');
});

test('a picture that was not to be had for now is looked for again after a minute, one that is not there after the hour', async (t) => {
  const { find, pass, site } = await play(t);
  site.answer('/page', page('<title>T</title><meta property="og:image" content="/picture.png">'));
  for (const [status, asked] of [
    [503, 2],
    [404, 4],
    [404, 4],
  ] as const) {
    site.answer('/picture.png', { status });
    for (let at = 0; at < 2; at += 1) assert.equal(await find(), 'T');
    assert.equal(site.requests.length, asked);
    pass(61_000);
  }
});

test('domains with equal rules share what they know; when their rules differ, they do not', async (t) => {
  const alike = await play(t);
  alike.site.answer('/page', page('<title>T</title>'));
  assert.equal(await alike.find('example.org'), 'T');
  assert.equal(await alike.find('other.example'), 'T');
  assert.equal(alike.site.requests.length, 1);
  const apart = await play(t, [SITE]);
  apart.site.answer('/page', page('<title>T</title>'));
  assert.equal(await apart.find('example.org'), 'T');
  await assert.rejects(apart.find('other.example'), { errcode: 'M_NOT_FOUND' });
  assert.equal(await apart.find('example.org'), 'T');
  assert.equal(apart.site.requests.length, 1);
});

test('every language is remembered, though the table has room for one', async (t) => {
  const { find, site } = await play(t);
  site.answer('/page', ({ headers }, response) => page(`<title>${headers['accept-language']}</title>`)(null, response));
  for (const language of ['en', 'de', 'fr', 'en', 'de', 'fr'])
    assert.equal(await find('example.org', language), language);
  assert.equal(site.requests.length, 3);
});

test('many who ask at the same time in two processes bring about one request', async (t) => {
  const { find, findInNeighbour, site } = await play(t);
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  site.answer('/page', async (_, response) => {
    ask();
    await opened;
    page('<title>T</title>')(null, response);
  });
  const finding = Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? find() : findInNeighbour()));
  await asked;
  open();
  assert.deepEqual(new Set(await Promise.all(finding)), new Set(['T']));
  assert.equal(site.requests.length, 1);
});
