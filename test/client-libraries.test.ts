import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { MatrixClient as BotClient, LogService } from 'matrix-bot-sdk';
import { createClient } from 'matrix-js-sdk';
import { makePng, sizeOf } from './pictures.ts';
import { ENGINES, SERVER_NAME, startTestService, TOKEN } from './service.ts';

/** Client libraries know one URL: this stands before the service as an operator's proxy would, and names the domain. */
async function startBehindProxy(t: TestContext): Promise<string> {
  const service = await startTestService(t, ENGINES[0]);
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = new Headers({ 'x-forwarded-host': SERVER_NAME });
    for (const name of ['authorization', 'content-type', 'range']) {
      const value = request.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    const body = request.method === 'GET' ? {} : { body: Buffer.concat(chunks) };
    const answer = await fetch(service.url + (request.url ?? ''), {
      method: request.method ?? 'GET',
      headers,
      ...body,
    });
    const sent = Object.fromEntries([...answer.headers].filter(([name]) => name !== 'transfer-encoding'));
    response.writeHead(answer.status, sent).end(Buffer.from(await answer.arrayBuffer()));
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  proxy.listen(0, '127.0.0.1', () => resolve());
  await listening;
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test('matrix-js-sdk reads the configuration, uploads, downloads and gets thumbnails', async (t) => {
  const baseUrl = await startBehindProxy(t);
  const client = createClient({ baseUrl, accessToken: TOKEN, userId: `@tests:${SERVER_NAME}` });
  t.after(() => client.stopClient());
  assert.deepEqual(await client.getMediaConfig(true), { 'm.upload.size': 104_857_600 });

  const picture = await makePng({ width: 400, height: 300 });
  const { content_uri } = await client.uploadContent(new Blob([new Uint8Array(picture)], { type: 'image/png' }), {
    name: 'a b.png',
  });
  assert.match(content_uri, /^mxc:\/\/example\.org\//);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const fetchMedia = async (...size: [width?: number, height?: number, method?: string]) => {
    const url = client.mxcUrlToHttp(content_uri, ...size, false, true, true);
    assert.ok(url?.startsWith(`${baseUrl}/_matrix/client/v1/media/`), String(url));
    return await fetch(url ?? '', { headers });
  };
  const media = await fetchMedia(undefined, undefined, undefined);
  assert.deepEqual(Buffer.from(await media.arrayBuffer()), picture);
  assert.equal(media.headers.get('content-disposition'), 'inline; filename="a b.png"');
  const thumbnail = await fetchMedia(96, 96, 'crop');
  const { width, height } = await sizeOf(Buffer.from(await thumbnail.arrayBuffer()));
  assert.deepEqual([width, height], [96, 96]);
});

test('matrix-js-sdk understands why an upload is refused', async (t) => {
  const baseUrl = await startBehindProxy(t);
  const client = createClient({ baseUrl, accessToken: 'nonsense', userId: `@tests:${SERVER_NAME}` });
  t.after(() => client.stopClient());
  await assert.rejects(client.uploadContent(new Blob(['x'])), { name: /./, httpStatus: 503, errcode: 'M_UNKNOWN' });
});

test('matrix-bot-sdk uploads, downloads, and makes URLs of media that work', async (t) => {
  LogService.muteModule('MatrixHttpClient');
  const baseUrl = await startBehindProxy(t);
  const client = new BotClient(baseUrl, TOKEN);
  const uri = await client.uploadContent(Buffer.from('hello'), 'text/plain', 'a.txt');
  const { data, contentType } = await client.downloadContent(uri);
  assert.equal(data.toString(), 'hello');
  assert.match(contentType, /^text\/plain/);
  const config = (await client.doRequest('GET', '/_matrix/client/v1/media/config')) as Record<string, unknown>;
  assert.equal(config['m.upload.size'], 104_857_600);
  const picture = await client.uploadContent(await makePng({ width: 400, height: 300 }), 'image/png', 'b.png');
  for (const url of [await client.mxcToHttp(picture), await client.mxcToHttpThumbnail(picture, 96, 96, 'crop')]) {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(answer.headers.get('content-type')?.startsWith('image/'), true, url);
  }
});
