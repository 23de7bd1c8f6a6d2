import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, isIP, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { CertificateAuthority } from './certificates.ts';

/** One answer, as it goes out; a body that is no text is sent as JSON. */
export interface RemoteReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A request as it came in. */
export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The name that TLS was opened with; empty for none. */
  readonly serverName: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers a request as it likes. */
export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Another server on a real port of this machine. */
export interface FakeRemote extends AsyncDisposable {
  readonly port: number;
  /** All requests so far, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Connections so far. */
  readonly connections: () => number;
  /** @param path without the query, below every host, or after a host: `https://example.org/path` */
  answer(path: string, reply: RemoteReply | Handle): void;
}

export interface FakeRemoteOptions {
  /** Without it, it speaks HTTP without TLS. */
  readonly authority?: CertificateAuthority | undefined;
  /** Names and addresses that it has certificates for, one each. The first is shown to whoever names none of them. */
  readonly names?: readonly string[];
  readonly certificates?: 'valid' | 'expired';
  /** Answers on paths that it has not been told about. Default: 404 `M_UNRECOGNIZED`. */
  readonly otherwise?: Handle;
}

/** Dispose of it (`await using`) to close the port and cut off what waits. */
export async function startFakeRemote(options: FakeRemoteOptions = {}): Promise<FakeRemote> {
  const handlers = new Map<string, Handle>();
  const requests: SeenRequest[] = [];
  const { otherwise = refuseEndpoint } = options;
  let connections = 0;

  const handle: Handle = (request, response) => {
    const { method = '', url = '', headers, socket } = request;
    requests.push({ method, path: url, serverName: serverNameOf(socket), headers });
    const path = url.replace(/\?.*/, '');
    const known = handlers.get(`https://${headers.host}${path}`) ?? handlers.get(path);
    (known ?? otherwise)(request, response);
  };
  const server = await createHttpServer(options, handle);
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listen(server);
  return {
    port,
    requests,
    connections: () => connections,
    answer(path, reply) {
      handlers.set(path, typeof reply === 'function' ? reply : (_request, response) => send(response, reply));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await close(server);
    },
  };
}

/** A server that does with each connection what the test says, HTTP or not. */
export interface RawRemote extends AsyncDisposable {
  readonly port: number;
  readonly connections: () => number;
}

export async function startRawRemote(behave: (socket: Socket) => void): Promise<RawRemote> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => undefined); // the other side may leave as it likes
    socket.on('close', () => open.delete(socket));
    behave(socket);
  });
  const port = await listen(server);
  return {
    port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await close(server);
    },
  };
}

/** Leads connections to addresses of the played internet to ports of this machine; all other addresses refuse. */
export interface Routes {
  /** @param endpoints as `10.0.0.1 443` */
  readonly route: (endpoint: Endpoint) => Endpoint;
  add(endpoint: string, port: number): void;
  /** Endpoints that were connected to, as `10.0.0.1 443`. */
  readonly used: readonly string[];
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Nothing listens there on any machine that tests run on. */
const NOBODYS_PORT = 1;

export function createRoutes(table: Readonly<Record<string, number>> = {}): Routes {
  const ports = new Map(Object.entries(table));
  const used: string[] = [];
  return {
    used,
    add: (endpoint, port) => void ports.set(endpoint, port),
    route({ address, port }) {
      used.push(`${address} ${port}`);
      return { address: '127.0.0.1', port: ports.get(`${address} ${port}`) ?? NOBODYS_PORT };
    },
  };
}

async function createHttpServer({ authority, names = [], certificates }: FakeRemoteOptions, handle: Handle) {
  if (authority === undefined) return createServer(handle);
  const issued = await Promise.all(names.map((name) => authority.issue([name], certificates)));
  const contexts = new Map<string, SecureContext>();
  for (const [index, name] of names.entries()) contexts.set(name, createSecureContext({ ...issued[index] }));
  const server = createTlsServer(
    { ...issued[0], SNICallback: (name, found) => found(null, contexts.get(name) ?? contexts.get(names[0] ?? '')) },
    handle,
  );
  server.on('tlsClientError', () => undefined); // clients that do not like the certificate
  return server;
}

function serverNameOf(socket: Socket): string {
  const name = socket instanceof TLSSocket && 'servername' in socket ? socket.servername : undefined;
  return typeof name === 'string' && isIP(name) === 0 ? name : '';
}

function refuseEndpoint(_request: IncomingMessage, response: ServerResponse): void {
  send(response, { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' } });
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '' }: RemoteReply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, headers);
  response.end(text);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}
