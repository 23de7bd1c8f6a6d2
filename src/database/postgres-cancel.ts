import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ClientBase, ClientConfig } from 'pg';

const SSL_REQUEST = 80_877_103;
const CANCEL_REQUEST = 80_877_102;
/** Whether it helps or not, nobody waits longer for it. */
const PATIENCE_MS = 2_000;

/**
 * Asks the server, over a connection of its own, to end what a client's connection is doing: a query that waits for a lock
 * would else go on there when its client has left. Poolers pass it on. Returns when the server has taken notice, or after
 * {@link PATIENCE_MS}; never throws. PostgreSQL, "Canceling Requests in Progress".
 */
export async function cancelRunning(config: ClientConfig, client: ClientBase): Promise<void> {
  // What the server has given its client to be known by, which the types of the driver leave out.
  const { processID, secretKey } = client as ClientBase & { processID: number | null; secretKey: unknown };
  if (processID === null || typeof secretKey !== 'number') return;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const { host = '', port = 0, ssl } = config;
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.on('error', () => undefined); // also rejects what waits for it
  try {
    await once(socket, 'connect', { signal });
    const way = typeof ssl === 'object' ? await secure(socket, host, ssl, signal) : socket;
    // Not ended here: a pooler takes that for having thought better of it.
    way.resume().write(message(CANCEL_REQUEST, processID, secretKey));
    await once(way, 'close', { signal });
  } catch {
    // The server is away, and the query with it; or it cannot be reached, and finds out by itself.
  } finally {
    socket.destroy();
  }
}

async function secure(socket: Socket, host: string, ssl: object, signal: AbortSignal): Promise<Socket> {
  socket.write(message(SSL_REQUEST));
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (answer.toString() !== 'S') throw new Error('The server does not speak TLS any more');
  const secured = connectTls({ host, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl, socket });
  secured.on('error', () => undefined); // as above
  await once(secured, 'secureConnect', { signal });
  return secured;
}

function message(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * numbers.length);
  bytes.writeInt32BE(bytes.length);
  for (const [at, number] of numbers.entries()) bytes.writeInt32BE(number, 4 + 4 * at);
  return bytes;
}
