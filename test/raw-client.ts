import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A connection on which the test writes what it likes, HTTP or not. */
export interface RawClient {
  readonly socket: Socket;
  write(data: string | Uint8Array): Promise<void>;
  /** The next whole answer, by its `Content-Length`; interim ones such as 100 count too. */
  readAnswer(options?: { readonly hasBody?: boolean }): Promise<RawAnswer>;
  /** All that came and was not read as an answer, when the other side has closed. Rejects on a reset. */
  readToEnd(): Promise<Buffer>;
}

export async function openRawClient(t: TestContext, port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  t.after(() => socket.destroy());
  let received = Buffer.alloc(0);
  let state: 'open' | 'ended' | Error = 'open';
  let wake = Promise.withResolvers<void>();
  const change = () => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    change();
  });
  socket.on('end', () => {
    state = 'ended';
    change();
  });
  socket.on('error', (error) => {
    state = error;
    change();
  });
  await once(socket, 'connect');
  const until = async <T>(find: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (state instanceof Error) throw state;
      if (state === 'ended')
        throw new Error(`The connection ended after: ${received.toString('latin1').slice(0, 500)}`);
      await wake.promise;
    }
  };
  return {
    socket,
    write: async (data) => {
      if (!socket.write(data)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    },
    async readAnswer({ hasBody = true } = {}) {
      const headEnd = await until(() => positive(received.indexOf('\r\n\r\n')));
      const [statusLine = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => [line.split(':', 1)[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
      );
      const length = hasBody ? Number(headers['content-length'] ?? 0) : 0;
      const end = headEnd + 4 + length;
      await until(() => (received.length >= end ? true : undefined));
      const body = received.subarray(headEnd + 4, end);
      received = received.subarray(end);
      return { status: Number(statusLine.split(' ')[1]), headers, body };
    },
    async readToEnd() {
      await until(() => (state === 'ended' ? true : undefined));
      return received;
    },
  };
}

function positive(index: number): number | undefined {
  return index === -1 ? undefined : index;
}

/** One request on a connection of its own, with the path exactly as it is written. */
export async function askRaw(
  t: TestContext,
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const client = await openRawClient(t, port);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  await client.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const answer = await client.readAnswer({ hasBody: method !== 'HEAD' });
  client.socket.destroy();
  return answer;
}
