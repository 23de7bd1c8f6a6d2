import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Stands between a client and a server, and can be shut as if the server had gone. */
export interface Gate {
  /** The given URL, by way of the gate. */
  readonly url: string;
  open(): Promise<void>;
  /** Breaks what goes through it; the next who comes finds nobody listening. */
  shut(): Promise<void>;
}

/** Shut at first. */
export async function createGate(t: TestContext, url: string): Promise<Gate> {
  const target = new URL(url);
  const through = new URL(url);
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const shut = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closed;
  };
  await listen(0);
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The gate has no port');
  through.port = String(address.port);
  await shut();
  t.after(shut);
  return { url: through.href, open: () => listen(address.port), shut };
}
