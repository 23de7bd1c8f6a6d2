import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { test } from 'node:test';
import { createPlayedServer, TOKEN } from '../../test/http-server.ts';
import { playMedia, playObject } from '../../test/played-media.ts';
import { openRawClient } from '../../test/raw-client.ts';
import { listen } from './listen.ts';

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n';
const READY = 'GET /readyz HTTP/1.1\r\nHost: example.org\r\n\r\n';

function portOf(url: string): number {
  return Number(new URL(url).port);
}

for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '']) {
  test(`with the address ${JSON.stringify(host)} the service answers at the URL that it tells`, async (t) => {
    const { app, logged } = await createPlayedServer(t);
    const listening = await listen(app, { host, port: 0 });
    assert.deepEqual(logged, [], 'who has started it tells the log');
    assert.equal((await fetch(`${listening.url}/healthz`)).status, 200);
    await listening.close(0);
    await assert.rejects(fetch(`${listening.url}/healthz`));
  });
}

test('an address that is taken is told with what to do', async (t) => {
  const other = createTcpServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { app } = await createPlayedServer(t);
  await assert.rejects(listen(app, { host: '127.0.0.1', port }), (error: Error) => {
    assert.equal(
      error.message,
      `It is not possible to listen on 127.0.0.1, port ${port}: set repo.bindAddress and repo.port to an address that is free on this machine`,
    );
    assert.match(String(error.cause), /EADDRINUSE/);
    return true;
  });
});

test('closing lets the request under way finish, and ends its connection and the idle ones', async (t) => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Map<string, undefined>>();
  const checkReadiness = () => {
    asked.resolve();
    return answer.promise;
  };
  const { app } = await createPlayedServer(t, { checkReadiness });
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  const [busy, idle] = await Promise.all([1, 2].map(() => openRawClient(t, portOf(listening.url))));
  assert.ok(busy !== undefined && idle !== undefined);
  await idle.write(HEALTH);
  await idle.readAnswer();
  await busy.write(READY);
  await asked.promise;
  const closed = listening.close(60_000);
  await idle.readToEnd();
  answer.resolve(new Map());
  assert.equal((await busy.readAnswer()).status, 200);
  await busy.readToEnd();
  await closed;
});

test('draining answers a request that comes on an idle connection, as its last, and takes no new connections', async (t) => {
  const { app } = await createPlayedServer(t);
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  const proxy = await openRawClient(t, portOf(listening.url));
  await proxy.write(HEALTH);
  await proxy.readAnswer();
  const drained = listening.drain(60_000);
  await assert.rejects(fetch(`${listening.url}/healthz`));
  await proxy.write(HEALTH);
  const { status, headers } = await proxy.readAnswer();
  assert.deepEqual([status, headers['connection']], [200, 'close']);
  await proxy.readToEnd();
  await drained;
  await listening.close(0);
});

test('draining ends when its time is over, though connections lie idle', async (t) => {
  const { app } = await createPlayedServer(t);
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  const proxy = await openRawClient(t, portOf(listening.url));
  await proxy.write(HEALTH);
  await proxy.readAnswer();
  await listening.drain(1);
  await listening.close(60_000);
  await proxy.readToEnd();
});

test('an answer whose head was out before closing ends its connection too', async (t) => {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const object = {
    ...playObject(Buffer.alloc(10)),
    async *read() {
      yield Buffer.alloc(5);
      begun.resolve();
      await goOn.promise;
      yield Buffer.alloc(5);
    },
  };
  const { app } = await createPlayedServer(t, { open: async () => playMedia(object) });
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  const client = await openRawClient(t, portOf(listening.url));
  const path = '/_matrix/client/v1/media/download/example.org/abc';
  await client.write(`GET ${path} HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  await begun.promise;
  const closed = listening.close(60_000);
  goOn.resolve();
  assert.equal((await client.readAnswer()).body.length, 10);
  await client.readToEnd();
  await closed;
});

test('closing cuts off what is not finished in time', async (t) => {
  const asked = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const checkReadiness = (signal: AbortSignal) => {
    asked.resolve();
    signal.addEventListener('abort', () => stopped.resolve());
    return stopped.promise.then(() => new Map());
  };
  const { app } = await createPlayedServer(t, { checkReadiness });
  const listening = await listen(app, { host: '127.0.0.1', port: 0 });
  const client = await openRawClient(t, portOf(listening.url));
  await client.write(READY);
  await asked.promise;
  await listening.close(1);
  await stopped.promise;
  await assert.rejects(client.readAnswer());
});
