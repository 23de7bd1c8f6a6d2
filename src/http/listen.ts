import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, Server as TcpServer } from 'node:net';
import type { FastifyInstance } from 'fastify';

const SWEEP_MS = 50;

export interface Listening {
  /** Such as `http://127.0.0.1:8000`; the port is the real one. */
  readonly url: string;
  /**
   * Takes no new connections. Those that are there get one more answer each, for so long or until they have ended: a proxy
   * may just be sending a request on one that lies idle.
   */
  drain(ms: number): Promise<void>;
  /** Takes no new requests, lets those under way finish for so long, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/** @throws an error that says what to do when the address cannot be had */
export async function listen(
  app: FastifyInstance,
  address: { readonly host: string; readonly port: number },
): Promise<Listening> {
  let host = address.host === '' ? '::' : address.host;
  try {
    // Of several addresses that a name has, the first: what is told in the log is then all there is.
    if (host === 'localhost') ({ address: host } = await lookup(host));
    await app.ready();
    app.server.listen({ host, port: address.port }); // not Fastify's, which tells the log what `main.ts` tells it
    await once(app.server, 'listening');
  } catch (error) {
    const hint = 'set repo.bindAddress and repo.port to an address that is free on this machine';
    throw new Error(`It is not possible to listen on ${host}, port ${address.port}: ${hint}`, { cause: error });
  }
  const { port } = app.server.address() as AddressInfo; // a TCP server that listens has one
  const ended = once(app.server, 'close');
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async drain(ms) {
      app.server.prependListener('request', (_request, response) => {
        response.shouldKeepAlive = false;
      });
      TcpServer.prototype.close.call(app.server); // that of HTTP would end the idle ones
      const { promise: isLate, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      await Promise.race([ended, isLate]);
      clearTimeout(timer);
    },
    async close(graceMs) {
      const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
      // A connection that has answered its last request would be kept open for the next one, which must not come.
      const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS);
      await app.close(); // tells those who are asking that their connections will end
      app.server.close();
      await ended;
      clearTimeout(timer);
      clearInterval(sweep);
    },
  };
}
