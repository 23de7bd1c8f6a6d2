import { connect } from 'node:net';
import { formatRequest, type LoadOptions, measureAnswer } from './load.ts';

export interface PacedLoadOptions extends LoadOptions {
  /** Of all connections together. */
  readonly requestsPerSecond: number;
}

/**
 * Asks for one path at a fixed rate, whether answers come or not: a request whose connection is still busy waits, and its
 * time counts from when it was due. So a server that stands still for a while shows in all requests of that while.
 * @returns how long each answer took, in milliseconds
 * @throws when an answer has another status, or a connection breaks
 */
export async function pacedLoad(origin: string, path: string, options: PacedLoadOptions): Promise<readonly number[]> {
  const url = new URL(origin);
  const request = formatRequest(path, { host: url.host, ...options.headers });
  const answerBytes = await measureAnswer(url, request, options.status);
  const times: number[] = [];
  const failures: Error[] = [];
  let isOver = false;
  const connections = Array.from({ length: options.connections }, () => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    /** When the requests were due that have no answer yet; the first one is under way. */
    const due: number[] = [];
    let left = answerBytes;
    socket.on('error', (error) => failures.push(error));
    socket.on('close', () => isOver || failures.push(new Error('The server closed a connection')));
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0) return;
      if (left < 0) failures.push(new Error('An answer was longer than the first one'));
      left = answerBytes;
      times.push(performance.now() - (due.shift() ?? Number.NaN));
      if (due.length > 0) socket.write(request, 'latin1');
    });
    return {
      ask() {
        due.push(performance.now());
        if (due.length === 1) socket.write(request, 'latin1');
      },
      close: () => socket.destroy(),
    };
  });
  const startedMs = performance.now();
  const total = options.requestsPerSecond * options.seconds;
  for (let asked = 0; asked < total; ) {
    const dueByNow = Math.min(total, ((performance.now() - startedMs) / 1000) * options.requestsPerSecond);
    for (; asked < dueByNow; asked += 1) connections[asked % connections.length]?.ask();
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
  while (times.length < total && failures.length === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
  isOver = true;
  for (const { close } of connections) close();
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return times;
}
