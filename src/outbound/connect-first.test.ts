import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectToFirst, type Endpoint, orderEndpoints } from './connect-first.ts';

const never = new AbortController().signal;
/** Played: takes no connection and refuses none. */
const SILENT = { address: '10.0.0.1', port: 1 };
/** Played: no way leads there, as to IPv6 from a machine without it. */
const UNREACHABLE = { address: 'fd00::1', port: 1 };
const REFUSING = { address: '127.0.0.1', port: 1 };

/** Opens sockets to the played endpoints, and keeps them to look at. */
function playSockets() {
  const opened: Socket[] = [];
  const open = (endpoint: Endpoint): Socket => {
    const socket = endpoint === SILENT || endpoint === UNREACHABLE ? new Socket() : connect(endpoint.port, '127.0.0.1');
    const error = Object.assign(new Error('no way'), { code: 'ENETUNREACH' });
    if (endpoint === UNREACHABLE) setImmediate(() => socket.destroy(error));
    opened.push(socket);
    return socket;
  };
  return { opened, open };
}

async function listen(t: TestContext): Promise<Endpoint> {
  const server = createServer((socket) => socket.resume());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

test('an address that does not answer is not waited for when there is another one', async (t) => {
  const { open, opened } = playSockets();
  const socket = await connectToFirst([SILENT, await listen(t)], never, open);
  assert.equal(socket, opened[1]);
  assert.equal(opened[0]?.destroyed, true, 'what is not needed any more is closed');
  socket.destroy();
});

test('an address that refuses is followed by the next one at once', async (t) => {
  const { open, opened } = playSockets();
  const socket = await connectToFirst([UNREACHABLE, REFUSING, await listen(t)], never, open);
  assert.equal(socket, opened[2]);
  socket.destroy();
});

test('when all fail, the failure that tells the most is told', async () => {
  const { open } = playSockets();
  await assert.rejects(connectToFirst([UNREACHABLE, REFUSING], never, open), { trouble: 'refused' });
  await assert.rejects(connectToFirst([UNREACHABLE], never, open), { trouble: 'unreachable' });
});

test('whoever gives up leaves no socket behind', async () => {
  const { open, opened } = playSockets();
  const leaving = new AbortController();
  const connecting = connectToFirst([SILENT], leaving.signal, open);
  leaving.abort(new Error('gone'));
  await assert.rejects(connecting, { message: 'gone' });
  assert.equal(opened[0]?.destroyed, true);
});

test('families take turns, IPv6 first, and a name with many addresses is not tried at all of them', () => {
  const endpoints = ['10.0.0.1', '10.0.0.2', 'fd00::1', '10.0.0.3'].map((address) => ({ address, port: 443 }));
  assert.deepEqual(
    orderEndpoints(endpoints).map(({ address }) => address),
    ['fd00::1', '10.0.0.1', '10.0.0.2', '10.0.0.3'],
  );
  const many = Array.from({ length: 200 }, (_, index) => ({ address: `10.0.0.${index}`, port: 443 }));
  assert.equal(orderEndpoints(many).length, 10);
});
