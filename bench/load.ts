import { once } from 'node:events';
import { connect } from 'node:net';

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Of every answer. */
  readonly status: number;
}

/**
 * Asks for the paths in turn, each connection as fast as it is answered, and does next to nothing itself: answers of one
 * server to one kind of request have one length, so that bytes are counted and not read.
 * @returns requests a second
 * @throws when an answer has another status, or a connection breaks
 */
export async function load(origin: string, paths: readonly string[], options: LoadOptions): Promise<number> {
  const url = new URL(origin);
  const requests = paths.map((path) => formatRequest(path, { host: url.host, ...options.headers }));
  const answerBytes = await measureAnswer(url, requests[0] ?? '', options.status);
  let answered = 0;
  let next = 0;
  let isOver = false;
  const failures: Error[] = [];
  const sockets = Array.from({ length: options.connections }, () => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    let left = answerBytes;
    const ask = () => {
      socket.write(requests[next % requests.length] ?? '', 'latin1');
      next += 1;
    };
    socket.on('connect', ask);
    socket.on('error', (error) => failures.push(error));
    socket.on('close', () => isOver || failures.push(new Error('The server closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      if (left === answerBytes && !startsWithStatus(chunk, options.status)) {
        failures.push(new Error(`Another status: ${chunk.subarray(0, 200).toString('latin1')}`));
      }
      left -= chunk.length;
      if (left > 0) return;
      if (left < 0) failures.push(new Error('An answer was longer than the first one'));
      left = answerBytes;
      answered += 1;
      ask();
    });
    return socket;
  });
  // Waking a virtual core that sleeps costs the one who sends as much as a request does; so this one never sleeps.
  const stayAwake = () => void (isOver || setImmediate(stayAwake));
  stayAwake();
  const startedMs = performance.now();
  await new Promise((resolve) => void setTimeout(resolve, options.seconds * 1000));
  const seconds = (performance.now() - startedMs) / 1000;
  isOver = true;
  for (const socket of sockets) socket.destroy();
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return answered / seconds;
}

export function formatRequest(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

function startsWithStatus(chunk: Buffer, status: number): boolean {
  return chunk.toString('latin1', 9, 12) === String(status);
}

/** The length of head and body, on a connection of its own that is quiet afterwards. */
export async function measureAnswer(url: URL, request: string, status: number): Promise<number> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  await once(socket, 'connect');
  socket.write(request, 'latin1');
  let head = '';
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (!head.includes('\r\n\r\n')) head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    if (!head.startsWith(`HTTP/1.1 ${status} `)) throw new Error(`Another status: ${head.slice(0, end)}`);
    const bodyBytes = status === 304 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    if (bytes >= end + 4 + bodyBytes) return end + 4 + bodyBytes;
  }
  throw new Error('The connection ended before the answer did');
}
