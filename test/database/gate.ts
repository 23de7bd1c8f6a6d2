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
  /** Nothing goes through any more, in either direction, and nothing is closed: as when a firewall has lost its mind. */
  fallSilent(): void;
  /** For those who come from now on. What was silenced stays so. */
  speak(): void;
}

/** Shut at first. */
export async function createGate(t: TestContext, url: string): Promise<Gate> {
  const target = new URL(url);
  const through = new URL(url);
  const sockets = new Set<Socket>();
  let isSilent = false;
  const server: Server = createServer((client) => {
    if (isSilent) {
      sockets.add(client.on('error', () => undefined).resume());
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (isSilent) return;
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
  const fallSilent = () => {
    isSilent = true;
    for (const socket of sockets) socket.unpipe().resume();
  };
  const speak = () => {
    isSilent = false;
  };
  return { url: through.href, open: () => listen(address.port), shut, fallSilent, speak };
}
