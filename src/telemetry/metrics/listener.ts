import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Log } from '../log.ts';
import type { MetricsRegistry } from './registry.ts';

/** Where the metrics are served. Disposing it closes it, after what is being answered. */
export interface MetricsListener extends AsyncDisposable {
  /** The port is the real one. */
  readonly url: string;
}

export interface ListenerParts {
  readonly host: string;
  readonly port: number;
  readonly registry: Pick<MetricsRegistry, 'write' | 'contentType'>;
  readonly log: Log;
}

const PATHS: ReadonlySet<string> = new Set(['/metrics', '/_media/metrics']);
const MAX_HEADER_BYTES = 16_384;
/** Whoever asks for metrics has little to say: the whole of it has to come within this time. */
const REQUEST_TIMEOUT_MS = 30_000;
const GRACE_MS = 5_000;
const compress = promisify(gzip);

/** For any host and method, without a token, as with matrix-media-repo. @throws when the address cannot be had */
export async function listenForScrapes({ host, port, registry, log }: ListenerParts): Promise<MetricsListener> {
  let writing: Promise<string> | undefined;
  /** Those who ask at the same moment share one reading, however many they are. */
  const write = () =>
    (writing ??= registry.write().finally(() => {
      writing = undefined;
    }));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!PATHS.has(pathOf(request))) return send(request, response, 404, PLAIN, 'Not found: metrics are at /metrics\n');
    const text = await write();
    const headers = { 'Content-Type': registry.contentType, Vary: 'Accept-Encoding' };
    if (!takesGzip(request)) return send(request, response, 200, headers, text);
    send(request, response, 200, { ...headers, 'Content-Encoding': 'gzip' }, await compress(text));
  };
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      request.resume();
      answer(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'The metrics could not be read');
        if (response.headersSent) response.destroy();
        else send(request, response, 500, PLAIN, 'The metrics could not be read\n');
      });
    },
  );
  server.listen({ host: host === '' ? '::' : host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const hint = 'set metrics.bindAddress and metrics.port to an address that is free on this machine';
    throw new Error(`It is not possible to serve metrics on ${host}, port ${port}: ${hint}`, { cause: error });
  }
  const { address, family, port: realPort } = server.address() as AddressInfo; // a TCP server that listens has one
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${realPort}/metrics`,
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      const closed = once(server, 'close');
      server.close();
      await closed;
      clearTimeout(timer);
    },
  };
}

const PLAIN = { 'Content-Type': 'text/plain; charset=utf-8' };

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

/** `gzip;q=0` says no. RFC 9110, section 12.5.3. */
function takesGzip({ headers }: IncomingMessage): boolean {
  return /(?:^|,)\s*gzip\s*(?:,|;(?!\s*q=0(?:\.0*)?\s*(?:,|$))|$)/i.test(headers['accept-encoding']?.toString() ?? '');
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): void {
  response.writeHead(status, { ...headers, 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}
