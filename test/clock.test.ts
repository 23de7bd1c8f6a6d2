import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startWithUsers } from './client.ts';
import { ENGINES, pathOf, startTestService, uploadBytes } from './service.ts';

const [sqlite] = ENGINES;
const HOUR_MS = 3_600_000;
const SOON_MS = 8_000;

/** For all that starts after it. @returns sets the clock back by an hour */
function playClock(t: TestContext): () => void {
  const read = Date.now;
  let backMs = 0;
  t.mock.method(Date, 'now', () => read() - backMs);
  return () => {
    backMs += HOUR_MS;
  };
}

async function untilAnswered(status: number, ask: () => Promise<Response>): Promise<void> {
  const startedMs = performance.now();
  while ((await ask()).status !== status) {
    assert.ok(performance.now() - startedMs < SOON_MS, `not ${status} soon after the clock was set back`);
    await setTimeout(50);
  }
}

test('the clock is set back by an hour: new media has new IDs, and all of it downloads', async (t) => {
  const setBack = playClock(t);
  const { ask } = await startTestService(t, sqlite);
  const uris = new Set<string>();
  for (let i = 0; i < 40; i += 1) {
    if (i % 10 === 9) setBack();
    uris.add(await uploadBytes(ask, Buffer.from(`content ${i}`)));
  }
  assert.equal(uris.size, 40);
  for (const [i, uri] of [...uris].entries()) assert.equal(await (await ask(pathOf(uri))).text(), `content ${i}`);
});

test('the clock is set back by an hour: a token that has ended is not believed for longer than it would have been', async (t) => {
  const setBack = playClock(t);
  const service = await startWithUsers(t, { accessTokens: { maxCacheTimeSeconds: 1 } });
  const token = service.homeserver.addUser('alice');
  const headers = { authorization: `Bearer ${token}` };
  const ask = () => service.ask('/_matrix/client/v1/media/config', { headers });
  assert.equal((await ask()).status, 200);
  service.homeserver.answer(token, { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'Ended' } });
  setBack();
  await untilAnswered(401, ask);
});

test('the clock is set back by an hour: a homeserver that was left alone is asked again', async (t) => {
  const setBack = playClock(t);
  const { askAs, homeserver } = await startWithUsers(t);
  const ask = () => askAs('alice', '/_matrix/client/v1/media/config');
  homeserver.suffer('internal error');
  for (let i = 0; i < 10; i += 1) assert.notEqual((await ask()).status, 200);
  setBack();
  homeserver.suffer(undefined);
  await untilAnswered(200, ask);
});

test('the clock is set back by an hour: a client that was refused is let in again when its time has come', async (t) => {
  const setBack = playClock(t);
  const { ask } = await startTestService(t, sqlite, { rateLimit: { enabled: true, requestsPerSecond: 2, burst: 2 } });
  await untilAnswered(429, () => ask('/_matrix/client/v1/media/config'));
  setBack();
  await untilAnswered(200, () => ask('/_matrix/client/v1/media/config'));
});

test('the clock is set back by an hour: who waits for an upload waits no longer for it', async (t) => {
  const setBack = playClock(t);
  const { ask } = await startTestService(t, sqlite);
  const created = await ask('/_matrix/media/v1/create', { method: 'POST' });
  const { content_uri } = (await created.json()) as { content_uri: string };
  const startedMs = performance.now();
  const waiting = ask(`${pathOf(content_uri)}?timeout_ms=1000`);
  await setTimeout(300);
  setBack();
  assert.equal((await waiting).status, 504);
  assert.ok(performance.now() - startedMs < SOON_MS);
});
