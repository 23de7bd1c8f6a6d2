import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';

/** Another server without TLS, in this process, that has all media in the world. */
export interface PlayedRemote extends AsyncDisposable {
  /** As in `mxc://`: it says where the server is. */
  readonly name: string;
  readonly url: string;
}

const BOUNDARY = 'boundaryOfABench';
const HEAD = Buffer.from(
  `--${BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{}\r\n--${BOUNDARY}\r\nContent-Type: video/mp4\r\n\r\n`,
);
const TAIL = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);

async function* around(media: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield HEAD;
  yield* media;
  yield TAIL;
}

/** @param pieces the bytes of the media with that ID, one write each */
export async function playRemote(
  pieces: (mediaId: string) => { readonly bytes: number; readonly all: AsyncIterable<Buffer> | Iterable<Buffer> },
): Promise<PlayedRemote> {
  const answer = (url: string, response: ServerResponse) => {
    const { bytes, all } = pieces(url.split('/').at(-1) ?? '');
    response.writeHead(200, {
      'content-type': `multipart/mixed; boundary=${BOUNDARY}`,
      'content-length': HEAD.length + bytes + TAIL.length,
    });
    pipeline(Readable.from(around(all)), response, () => undefined); // whoever asks may leave
  };
  const server = createServer(({ url = '' }, response) => {
    if (url.startsWith('/_matrix/federation/v1/media/download/')) answer(url, response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const name = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    name,
    url: `http://${name}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
