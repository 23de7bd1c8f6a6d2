import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { askRaw, openRawClient } from '../../../test/raw-client.ts';
import { listenForScrapes } from './listener.ts';

const log = pino({ enabled: false });
const TEXT = 'metric 1\n';

async function start(t: TestContext, write = async () => TEXT) {
  const registry = { write, contentType: 'text/plain; version=0.0.4; charset=utf-8' };
  const listener = await listenForScrapes({ host: '127.0.0.1', port: 0, registry, log });
  t.after(() => listener[Symbol.asyncDispose]());
  return { ...listener, base: new URL(listener.url).origin };
}

for (const path of ['/metrics', '/_media/metrics', '/metrics?module=x']) {
  test(`${path} has the metrics, whatever the method`, async (t) => {
    const { base } = await start(t);
    for (const method of ['GET', 'POST', 'HEAD']) {
      const answer = await fetch(base + path, { method, ...(method === 'POST' && { body: 'x'.repeat(100_000) }) });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(await answer.text(), method === 'HEAD' ? '' : TEXT);
    }
  });
}

for (const path of ['/', '/metrics/', '/healthz', '/_matrix/media/v3/config']) {
  test(`${path} is 404, in text`, async (t) => {
    const { base } = await start(t);
    const answer = await fetch(base + path);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers.get('content-type'), 'text/plain; charset=utf-8');
    await answer.text();
  });
}

test('the metrics are compressed for those who take that, and for nobody else', async (t) => {
  const { url } = await start(t);
  const port = Number(new URL(url).port);
  for (const [accepted, encoding] of [
    ['gzip', 'gzip'],
    ['deflate, gzip;q=0.5', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip; q=0.0, br', undefined],
    ['br', undefined],
    ['x-gzip', undefined],
  ] as const) {
    const { headers } = await askRaw(t, port, 'GET', '/metrics', { host: 'x', 'accept-encoding': accepted });
    assert.equal(headers['content-encoding'], encoding, accepted);
  }
});

test('those who ask at the same time share one reading', async (t) => {
  let readings = 0;
  const { url } = await start(t, async () => {
    readings += 1;
    return TEXT;
  });
  const client = await openRawClient(t, Number(new URL(url).port));
  await client.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
  for (let at = 0; at < 3; at += 1) assert.equal((await client.readAnswer()).body.toString(), TEXT);
  assert.equal(readings, 1);
});

test('metrics that cannot be read are 500, and tell nothing of the inside', async (t) => {
  const { url } = await start(t, async () => {
    throw new Error('secret');
  });
  const answer = await fetch(url);
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /secret/);
});

test('an address that is taken is refused, with what to do', async (t) => {
  const { url } = await start(t);
  const port = Number(new URL(url).port);
  const registry = { write: async () => TEXT, contentType: '' };
  await assert.rejects(listenForScrapes({ host: '127.0.0.1', port, registry, log }), /set metrics\.bindAddress/);
});
