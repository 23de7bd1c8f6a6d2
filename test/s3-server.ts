import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TestContext } from 'node:test';
import S3rver from '@20minutes/s3rver';

/** What goes wrong with one request, in place of an answer or within it. */
export type S3Fault =
  /** Nothing comes, and the connection stays. */
  | { readonly kind: 'stall' }
  /** Nothing goes wrong, but not before then. */
  | { readonly kind: 'wait'; readonly until: Promise<void> }
  /** An answer with this status, and this code in its body. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string; readonly more?: string }
  /** The connection ends, or stays without bringing more, behind so many bytes of the body. */
  | { readonly kind: 'break' | 'stop'; readonly afterBytes: number }
  /** The answer is lost on its way back: what was asked for has been done. */
  | { readonly kind: 'lose answer' }
  | { readonly kind: 'wrong etag' };

export interface AskedOfS3 {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** A real S3 server with one bucket, and a proxy in front that can make trouble. */
export interface S3Server {
  /** Host and port. */
  readonly endpoint: string;
  /** For `opts` of a datastore. */
  readonly opts: Readonly<Record<string, string>>;
  readonly asked: AskedOfS3[];
  /** Decides for each request; `undefined`: nothing goes wrong. */
  fault: (asked: AskedOfS3) => S3Fault | undefined;
  /** Keys of all objects. */
  keys(): Promise<string[]>;
  read(key: string): Promise<Buffer>;
  contentTypeOf(key: string): Promise<string>;
  lose(key: string): Promise<void>;
  /** IDs of uploads that were neither completed nor aborted. */
  openUploads(): Promise<string[]>;
}

const BUCKET = 'media';
const OBJECT = '._S3rver_object';
const UPLOADS = '._S3rver_uploads';

/** Stopped, and its folder gone, after the test. */
export async function startS3Server(t: TestContext): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-s3-'));
  const configureBuckets = [{ name: BUCKET }];
  const store = {
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    vhostBuckets: false,
    configureBuckets,
  };
  const s3rver = new S3rver(store);
  const { port } = await s3rver.run();
  // It takes the path of a bucket for another one than the SDK signs.
  const lister = new S3rver({ ...store, allowMismatchedSignatures: true });
  const { port: listPort } = await lister.run();
  const portFor = (url: string) => (url.includes('list-type=2') ? listPort : port);
  const bucket = join(folder, BUCKET);
  const proxy = createServer((asked, answer) => {
    answer.on('error', () => undefined); // whoever asked has left
    handle(server, bucket, portFor(asked.url ?? ''), asked, answer).catch(() => answer.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await Promise.all([s3rver.close(), lister.close()]);
    await rm(folder, { recursive: true, force: true });
  });
  const endpoint = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const server: S3Server = {
    endpoint,
    opts: {
      endpoint,
      bucketName: BUCKET,
      accessKeyId: 'S3RVER',
      accessSecret: 'S3RVER',
      ssl: 'false',
      region: 'us-east-1',
      timeoutSeconds: '2',
    },
    asked: [],
    fault: () => undefined,
    keys: async () =>
      (await readdir(bucket, { recursive: true }))
        .filter((name) => name.endsWith(OBJECT))
        .map((name) => relative(bucket, join(bucket, name)).slice(0, -OBJECT.length)),
    read: (key) => readFile(join(bucket, key + OBJECT)),
    async contentTypeOf(key) {
      const text = await readFile(join(bucket, `${key}._S3rver_metadata.json`), 'utf8');
      return (JSON.parse(text) as { readonly 'content-type': string })['content-type'];
    },
    lose: (key) => rm(join(bucket, key + OBJECT)),
    openUploads: async () => await readdir(join(bucket, UPLOADS)).catch(() => []),
  };
  return server;
}

async function handle(
  server: S3Server,
  bucket: string,
  port: number,
  asked: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = asked;
  const told: AskedOfS3 = { method, url, headers };
  server.asked.push(told);
  const fault = server.fault(told);
  if (fault?.kind === 'stall') return;
  if (fault?.kind === 'wait') await fault.until;
  if (fault?.kind === 'refuse') {
    refuse(asked, answer, fault.status, fault.code, fault.more);
    return;
  }
  const uploadId = new URL(url, 'http://s3.test').searchParams.get('uploadId');
  if (method === 'DELETE' && uploadId !== null) {
    // The server behind cannot.
    await rm(join(bucket, UPLOADS, uploadId), { recursive: true });
    answer.writeHead(204).end();
    return;
  }
  if (method === 'POST' && uploadId !== null && !(await server.openUploads()).includes(uploadId)) {
    refuse(asked, answer, 404, 'NoSuchUpload');
    return;
  }
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers });
  answer.on('close', () => onward.destroy());
  onward.on('error', () => answer.destroy());
  asked.pipe(onward);
  const [back] = (await once(onward, 'response')) as [IncomingMessage];
  await passOn(back, answer, fault);
}

function refuse(asked: IncomingMessage, answer: ServerResponse, status: number, code: string, more = ''): void {
  asked.resume();
  answer.writeHead(status, { 'content-type': 'application/xml' });
  answer.end(`<Error><Code>${code}</Code><Message>Played</Message>${more}</Error>`);
}

async function passOn(back: IncomingMessage, answer: ServerResponse, fault: S3Fault | undefined): Promise<void> {
  const headers = {
    ...back.headers,
    ...(fault?.kind === 'wrong etag' && { etag: '"ffffffffffffffffffffffffffffffff"' }),
  };
  if (fault?.kind === 'lose answer') {
    back.resume();
    await once(back, 'end');
    answer.destroy();
    return;
  }
  answer.writeHead(back.statusCode ?? 500, headers);
  if (fault?.kind !== 'break' && fault?.kind !== 'stop') {
    await pipeline(back, answer);
    return;
  }
  let left = fault.afterBytes;
  for await (const chunk of back as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    await new Promise((resolve) => answer.write(part, resolve));
    if (left > 0) continue;
    if (fault.kind === 'break') answer.destroy();
    return;
  }
}
