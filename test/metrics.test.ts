import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../src/config/index.ts';
import { startService } from '../src/main.ts';
import { findFreePort } from './free-port.ts';
import { makeJpeg } from './pictures.ts';
import { answering, BYTES, downloadOf, multipart, playOwner, REMOTE, signedPathOf } from './played-owner.ts';
import { page, playPreviews, SITE } from './played-previews.ts';
import { skipWithoutRedis, startRedis } from './redis.ts';
import { startS3Server } from './s3-server.ts';
import { readScrape, type Scrape, scrape } from './scrape.ts';
import {
  type ConfigSections,
  ENGINES,
  type Engine,
  makeServiceFolder,
  pathOf,
  SERVER_NAME,
  startTestService,
  TOKEN,
  uploadBytes,
} from './service.ts';

const [sqlite, postgres] = ENGINES;
const host = SERVER_NAME;

async function start(t: TestContext, engine: Engine = sqlite, sections: ConfigSections = {}) {
  const port = await findFreePort();
  const metrics = { enabled: true, bindAddress: '127.0.0.1', port };
  const service = await startTestService(t, engine, { metrics, ...sections });
  return { ...service, metricsUrl: `http://127.0.0.1:${port}/metrics` };
}

/** Looks until it is so; the caller's limit of time is the test's. */
async function untilScrape(url: string, isSo: (scraped: Scrape) => boolean): Promise<Scrape> {
  for (;;) {
    const scraped = await scrape(url);
    if (isSo(scraped)) return scraped;
  }
}

for (const engine of ENGINES) {
  test(`on ${engine.name}, what clients were answered is in the metrics`, { skip: engine.skip }, async (t) => {
    const { ask, metricsUrl } = await start(t, engine);
    const uri = await uploadBytes(ask, await makeJpeg({ width: 400, height: 300 }), { type: 'image/jpeg' });
    for (let times = 0; times < 3; times += 1) await (await ask(pathOf(uri))).arrayBuffer();
    const thumbnail = `${pathOf(uri).replace('/download/', '/thumbnail/')}?width=96&height=96&method=crop`;
    for (let times = 0; times < 2; times += 1) assert.equal((await ask(thumbnail)).status, 200);
    await ask('/_matrix/media/v3/config', { headers: { authorization: 'Bearer wrong' } });
    await ask('/_matrix/media/v3/config', { headers: { 'x-forwarded-host': 'elsewhere.example.org' } });
    await ask('/nothing');

    const has = { host, action: 'thumbnail', method: 'GET', statusCode: '200' };
    const scraped = await untilScrape(metricsUrl, ({ value }) => value('media_http_responses_total', has) === 2);
    const { value, sum } = scraped;
    const responses = 'media_http_responses_total';
    assert.equal(value(responses, { host, action: 'upload', method: 'POST', statusCode: '200' }), 1);
    assert.equal(value(responses, { host, action: 'download', method: 'GET', statusCode: '200' }), 3);
    assert.equal(sum(responses, { action: 'config' }), 1);
    assert.equal(value('media_http_requests_total', { host, action: 'download', method: 'GET' }), 3);
    assert.equal(value('media_http_response_time_seconds_count', { host, action: 'download', method: 'GET' }), 3);
    assert.equal(value('media_invalid_http_requests_total', { action: 'config', method: 'GET' }), 1);
    assert.equal(value('vitrine_http_other_responses_total', { statusCode: '404' }), 1);
    const made = { width: '96', height: '96', method: 'crop', animated: 'false', origin: host };
    assert.equal(value('media_thumbnails_generated_total', made), 1);
    assert.equal(value('media_age_accessed_media_seconds_count'), 5);
    assert.ok(value('media_cache_hits_total', { cache: 'media' }) > 0);
    assert.ok(value('media_cache_misses_total', { cache: 'media' }) > 0);
    assert.equal(value('vitrine_thumbnail_workers', { state: 'idle' }), 1);
    assert.equal(value('vitrine_processes'), 1);
    assert.equal(value('vitrine_in_charge'), 1);
    assert.equal(value('vitrine_build_info', { node: process.version }), 1);
    assert.ok(sum('vitrine_database_connections') > 0);
    assert.ok(value('process_resident_memory_bytes') > 0);
    assert.ok(scraped.types.has('nodejs_eventloop_lag_seconds'));
  });
}

test('every metric that docs/metrics.md lists is there, with words about it', async (t) => {
  const { metricsUrl } = await start(t);
  const { types, text } = await scrape(metricsUrl);
  const page = await readFile(new URL('../docs/metrics.md', import.meta.url), 'utf8');
  const told = [...page.matchAll(/^\| `((?:media|vitrine)_\w+)` \|/gm)].map(([, name = '']) => name);
  const ours = [...types.keys()].filter((name) => /^(?:media|vitrine)_/.test(name));
  assert.deepEqual(told.sort(), ours.sort());
  for (const name of types.keys()) assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'));
});

test('the board for Grafana asks for metrics that are there, and each panel for something', async (t) => {
  const { metricsUrl } = await start(t);
  const { types } = await scrape(metricsUrl);
  const board = JSON.parse(await readFile(new URL('../deploy/grafana.json', import.meta.url), 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  for (const { targets } of board.panels) {
    assert.ok(targets.length > 0);
    for (const { expr } of targets) {
      const names = [...expr.matchAll(/\b(?:media|vitrine|process|nodejs)_\w+/g)].map(([name]) => name);
      assert.ok(names.length > 0, expr);
      for (const name of names) assert.ok(types.has(name.replace(/_bucket$/, '')), name);
    }
  }
});

test('media of another server is counted by its server, and a try by an older endpoint once more', async (t) => {
  const port = await findFreePort();
  const { service, remote } = await playOwner(t, { metrics: { enabled: true, bindAddress: '127.0.0.1', port } });
  remote.answer(signedPathOf('abc'), answering(multipart(BYTES)));
  for (const mediaId of ['abc', 'missing']) await (await service.ask(downloadOf(mediaId))).arrayBuffer();
  const { value } = await scrape(`http://127.0.0.1:${port}/metrics`);
  assert.equal(value('media_downloaded_total', { origin: REMOTE }), 1 + 3);
  assert.equal(value('vitrine_remote_fetches', { state: 'running' }), 0);
});

test('previews are counted by what they are made of', async (t) => {
  const port = await findFreePort();
  const metrics = { enabled: true, bindAddress: '127.0.0.1', port };
  const { site, preview } = await playPreviews(t, { metrics, urlPreviews: { enabled: true } });
  site.answer('/told', page('<meta property="og:title" content="Told"><title>Other</title>'));
  site.answer('/plain', page('<title>Plain</title>'));
  for (const path of ['/told', '/plain', '/plain?2']) {
    assert.equal((await preview(`https://${SITE}${path}`)).status, 200);
  }
  const { value } = await scrape(`http://127.0.0.1:${port}/metrics`);
  assert.equal(value('media_url_previews_generated_total', { type: 'opengraph' }), 1);
  assert.equal(value('media_url_previews_generated_total', { type: 'calculated' }), 2);
});

test('what a bucket is asked is counted, an upload in parts once', async (t) => {
  const { opts } = await startS3Server(t);
  const { ask, metricsUrl } = await start(t, sqlite, {
    datastores: [{ id: 'bucket', type: 's3', forKinds: ['all'], opts }],
  });
  for (const bytes of [randomBytes(100_000), randomBytes(11_000_000)]) {
    const uri = await uploadBytes(ask, bytes);
    await (await ask(pathOf(uri))).arrayBuffer();
  }
  const { value } = await scrape(metricsUrl);
  assert.equal(value('media_s3_operations_total', { operation: 'PutObject' }), 2);
  assert.equal(value('media_s3_operations_total', { operation: 'GetObject' }), 2);
});

test('Redis is killed or hangs, and comes back: the metrics tell it within seconds', {
  skip: skipWithoutRedis(),
}, async (t) => {
  const redis = await startRedis(t);
  const { metricsUrl } = await start(t, sqlite, {
    redis: { enabled: true, shards: [{ name: 'one', addr: redis.addr }] },
  });
  const isUp = ({ value }: Scrape) =>
    ['commands', 'messages'].map((connection) => value('vitrine_redis_up', { redis: 'one', connection })).join();
  await untilScrape(metricsUrl, (scraped) => isUp(scraped) === '1,1');
  await redis.kill('SIGKILL');
  const killedMs = performance.now();
  await untilScrape(metricsUrl, (scraped) => isUp(scraped) === '0,0');
  await redis.restart();
  const restartedMs = performance.now();
  await untilScrape(metricsUrl, (scraped) => isUp(scraped) === '1,1');
  assert.ok(restartedMs - killedMs < 5_000, `after ${restartedMs - killedMs} ms`);
  assert.ok(performance.now() - restartedMs < 10_000, `after ${performance.now() - restartedMs} ms`);
  await redis.kill('SIGSTOP'); // the connections stay, and nobody answers
  await untilScrape(metricsUrl, (scraped) => isUp(scraped) === '0,0');
  await redis.kill('SIGCONT');
  await untilScrape(metricsUrl, (scraped) => isUp(scraped) === '1,1');
});

test('whatever clients make up, no token, no media ID and no path becomes a label', async (t) => {
  const { ask, metricsUrl } = await start(t);
  const secrets = Array.from({ length: 20 }, () => randomBytes(12).toString('hex'));
  for (const secret of secrets) {
    await ask(`/_matrix/media/v3/config?access_token=${secret}`, { headers: { authorization: '' } });
    await ask(`/_matrix/client/v1/media/download/${host}/${secret}`);
    await ask(`/_matrix/client/v1/media/thumbnail/${host}/${secret}?width=9&height=9`);
    await ask(`/${secret}`);
    for (const path of ['/healthz', '/_matrix/media/v3/config']) {
      await ask(path, { headers: { 'x-forwarded-host': `${secret}.example.org` } });
    }
  }
  const { text } = await untilScrape(
    metricsUrl,
    ({ sum }) => sum('media_invalid_http_requests_total') === secrets.length,
  );
  for (const secret of [...secrets, TOKEN]) assert.ok(!text.includes(secret));
});

test('names of servers and sizes that clients make up do not grow the metrics without end', async (t) => {
  const { ask, metricsUrl } = await start(t, sqlite, {
    federation: { disallowedNetworks: ['0.0.0.0/0', '::/0'] },
    downloads: { failureCacheMinutes: 0 },
  });
  const names = Array.from({ length: 150 }, () => `127.0.0.1:${1 + Math.floor(Math.random() * 60_000)}`);
  for (const name of names) await ask(`/_matrix/client/v1/media/download/${name}/${randomUUID()}`);
  const { samples, sum } = await scrape(metricsUrl);
  const series = samples.filter(({ name }) => name === 'media_downloaded_total');
  assert.ok(series.length <= 101, `${series.length} series`);
  assert.ok(sum('media_downloaded_total') >= names.length);
  assert.ok(sum('media_downloaded_total', { origin: 'other' }) > 0);
});

test('without metrics.enabled nobody listens, and with an address that is taken the service does not start', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  const folderWith = (enabled: boolean) =>
    makeServiceFolder(t, sqlite, { metrics: { enabled, bindAddress: '127.0.0.1', port } });
  const startIn = async ({ configPath }: { readonly configPath: string }) =>
    await startService(await loadConfig(configPath), { machineId: 0, searchPath: '' }, t.signal);
  const service = await startIn(await folderWith(false));
  await service.stop();
  await assert.rejects(startIn(await folderWith(true)), new RegExp(`port ${port}: set metrics\\.bindAddress`));
});

test('when the service is stopped, its metrics are gone', async (t) => {
  const { metricsUrl, stop } = await start(t);
  await scrape(metricsUrl);
  await stop();
  await assert.rejects(fetch(metricsUrl));
});

test('a process that shares its database knows of the other', { skip: postgres.skip }, async (t) => {
  const { metricsUrl, configPath } = await start(t, postgres);
  const loaded = await loadConfig(configPath);
  const config = { ...loaded.config, metrics: { ...loaded.config.metrics, enabled: false } };
  const other = await startService({ ...loaded, config }, { machineId: 1, searchPath: '' }, t.signal);
  t.after(() => other.stop());
  await untilScrape(metricsUrl, ({ value }) => value('vitrine_processes') === 2);
});

test('a scrape is read with its labels', () => {
  const { value, sum } = readScrape('# TYPE a counter\na{b="c",d="e\\"}"} 2\na{b="c",d="f"} 3\n');
  assert.equal(value('a', { d: 'f' }), 3);
  assert.equal(sum('a', { b: 'c' }), 5);
});
