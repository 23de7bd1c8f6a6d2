import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createPlayedServer, listenTo, TOKEN } from '../../test/http-server.ts';
import { playMedia, playObject } from '../../test/played-media.ts';

const HEADERS = `Host: example.org\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const DOWNLOAD = `GET /_matrix/client/v1/media/download/example.org/abc HTTP/1.1\r\n${HEADERS}\r\n`;
const DEFAULT_MS = 60_000;

/** A client that reads nothing, connected to a server whose clock stands still. */
async function startStalled(t: TestContext, media: ReturnType<typeof playMedia>) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { app, logged } = await createPlayedServer(t, { open: async () => media });
  const sockets: { readonly writableLength: number; readonly destroyed: boolean }[] = [];
  app.server.on('connection', (socket) => void sockets.push(socket));
  const client = connect({ host: '127.0.0.1', port: await listenTo(app) });
  t.after(() => client.destroy());
  await once(client, 'connect');
  client.pause();
  return { client, logged, socketOf: () => sockets[0] ?? assert.fail('Nobody has connected') };
}

/** Until nothing more goes into the connection. */
async function untilStill(bytesOf: () => number): Promise<void> {
  for (let before = -1, same = 0; same < 2_000; ) {
    await setImmediate();
    same = bytesOf() === before ? same + 1 : 0;
    before = bytesOf();
  }
}

for (const [what, bytes, requests] of [
  ['of one long answer', 40_000_000, DOWNLOAD],
  ['of many short ones', 60_000, DOWNLOAD.repeat(8)],
] as const) {
  test(`a client that takes nothing ${what} is cut off with a reset when its time is up, not before`, async (t) => {
    const content = Buffer.alloc(bytes);
    const short = { ...playObject(content), bytes: content };
    const media = playMedia(bytes > 100_000 ? playObject(content) : short);
    const { client, logged, socketOf } = await startStalled(t, media);
    do {
      client.write(requests);
      await untilStill(() => socketOf().writableLength);
    } while (socketOf().writableLength === 0);
    t.mock.timers.tick(DEFAULT_MS - 500);
    assert.equal(socketOf().destroyed, false);
    t.mock.timers.tick(1500);
    assert.equal(socketOf().destroyed, true);
    const failed = once(client, 'error');
    client.resume();
    assert.equal((await failed)[0].code, 'ECONNRESET');
    assert.ok(logged.some(({ msg }) => msg === 'The client takes nothing of its answer, and is cut off'));
  });
}

test('a client that waits for us is left alone', async (t) => {
  const { promise: never } = Promise.withResolvers<void>();
  const object = {
    ...playObject(Buffer.alloc(1000)),
    async *read() {
      yield Buffer.alloc(500);
      await never;
    },
  };
  const waiting = await startStalled(t, playMedia(object));
  waiting.client.write(DOWNLOAD);
  waiting.client.resume();
  await once(waiting.client, 'data');
  t.mock.timers.tick(DEFAULT_MS * 3);
  assert.equal(waiting.socketOf().destroyed, false);
});
