import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { pipeline } from 'node:stream';
import type { TestContext } from 'node:test';

/** A proxy of HTTP that opens tunnels. */
export interface ConnectProxy {
  readonly port: number;
  /** What it was asked to connect to, and with which credentials. */
  readonly asked: readonly { readonly target: string; readonly authorization: string | undefined }[];
}

/**
 * Ends with the test.
 * @param portOf the port of this machine at which a target such as `203.0.113.1:443` is; `undefined`: it refuses
 */
export async function startConnectProxy(
  t: TestContext,
  portOf: (target: string) => number | undefined,
): Promise<ConnectProxy> {
  const asked: { target: string; authorization: string | undefined }[] = [];
  const server = createServer((_request, response) => response.writeHead(400).end());
  server.on('connect', ({ url = '', headers }, socket) => {
    asked.push({ target: url, authorization: headers['proxy-authorization'] });
    const port = portOf(url);
    if (port === undefined) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      pipeline(socket, onward, socket, () => undefined); // either side may leave
    });
    onward.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { port: (server.address() as AddressInfo).port, asked };
}
