import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseMultipart } from '@remix-run/multipart-parser';
import { stringify } from 'yaml';
import { formatKeyFile, generateSigningKey, publicTextOf, signJson } from '../src/federation/index.ts';
import { type ServerAnswer, type ServingService, startServing } from './asking-server.ts';
import { openServiceDatabase } from './database/open.ts';
import { makeJpeg, sizeOf } from './pictures.ts';
import { playInternet } from './played-internet.ts';
import { ask, type ConfigSections, ENGINES, makeServiceFolder, SERVER_NAME, uploadBytes } from './service.ts';

const BYTES = randomBytes(100_000);

/** The service with 100 kB of media in it, and a server that asks. */
async function start(t: TestContext, sections: ConfigSections = {}) {
  const serving = await startServing(t, sections);
  const server = await serving.addServer('remote.example.net', 1);
  const mediaId = await upload(serving, BYTES, { type: 'image/png', name: 'a "b".png' });
  return { ...serving, server, mediaId, path: `download/${mediaId}` };
}

async function upload(
  { service }: Pick<ServingService, 'service'>,
  bytes: Uint8Array,
  named: Parameters<typeof uploadBytes>[2] = {},
): Promise<string> {
  return (await uploadBytes(service.ask, bytes, named)).slice(`mxc://${SERVER_NAME}/`.length);
}

interface Part {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Buffer;
}

/** As another program reads it. */
function partsOf({ headers, body }: ServerAnswer): readonly Part[] {
  const type = String(headers['content-type']);
  const boundary = /^multipart\/mixed; boundary=([A-Za-z0-9]{1,70})$/.exec(type)?.[1];
  assert.ok(boundary !== undefined, type);
  return [...parseMultipart(body, { boundary })].map((part) => ({
    headers: { ...part.headers },
    bytes: Buffer.from(part.bytes),
  }));
}

/** The second of exactly two parts, the first of which is as it has to be. */
function mediaIn(answer: ServerAnswer): Part {
  assert.equal(answer.status, 200, answer.body.toString());
  const [metadata, media, ...others] = partsOf(answer);
  assert.deepEqual([metadata?.headers, metadata?.bytes.toString()], [{ 'content-type': 'application/json' }, '{}']);
  assert.ok(media !== undefined);
  assert.equal(others.length, 0);
  return media;
}

function refusalOf({ status, body }: ServerAnswer): { readonly status: number; readonly errcode: unknown } {
  return { status, errcode: (JSON.parse(body.toString()) as Record<string, unknown>)['errcode'] };
}

const UNAUTHORIZED = { status: 401, errcode: 'M_UNAUTHORIZED' };
const NOT_FOUND = { status: 404, errcode: 'M_NOT_FOUND' };

test('A-14, FED-1, FED-5, FED-7: another server gets media, with its headers, in two parts', async (t) => {
  const { server, path } = await start(t);
  const answer = await server.ask(path);
  const { headers, bytes } = mediaIn(answer);
  const disposition = 'inline; filename="a \\"b\\".png"';
  assert.deepEqual(headers, { 'content-type': 'image/png', 'content-disposition': disposition });
  assert.ok(bytes.equals(BYTES));
  assert.equal(answer.headers['content-length'], String(answer.body.length));
  assert.equal(answer.headers['content-disposition'], undefined);
  assert.equal(answer.headers['cache-control'], undefined);
});

test('FED-6: the parts are written as the specification shows them', async (t) => {
  const { server, ...serving } = await start(t);
  const { body, headers } = await server.ask(
    `download/${await upload(serving, Buffer.from('hello'), { type: 'text/plain', name: 'ä' })}`,
  );
  const boundary = String(headers['content-type']).slice('multipart/mixed; boundary='.length);
  assert.equal(
    body.toString('latin1'),
    [
      `--${boundary}`,
      'Content-Type: application/json',
      '',
      '{}',
      `--${boundary}`,
      'Content-Type: text/plain; charset=utf-8',
      `Content-Disposition: inline; filename="?"; filename*=UTF-8''%C3%A4`,
      '',
      'hello',
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  );
});

test('FED-6: the boundary is another one each time', async (t) => {
  const { server, path } = await start(t);
  const types = [await server.ask(path), await server.ask(path)].map(({ headers }) => headers['content-type']);
  assert.notEqual(types[0], types[1]);
});

test('empty media is an empty part', async (t) => {
  const { server, ...serving } = await start(t);
  assert.deepEqual(
    mediaIn(await server.ask(`download/${await upload(serving, Buffer.alloc(0))}`)).bytes,
    Buffer.alloc(0),
  );
});

test('media with delimiters in it comes through unharmed', async (t) => {
  const { server, ...serving } = await start(t);
  const bytes = Buffer.from('\r\n--\r\n\r\n--boundary--\r\n\n\r');
  assert.deepEqual(mediaIn(await server.ask(`download/${await upload(serving, bytes)}`)).bytes, bytes);
});

test('the endpoints have the names of their proposal as well', async (t) => {
  const { server, mediaId } = await start(t);
  mediaIn(await server.ask(`/_matrix/federation/unstable/org.matrix.msc3916/media/download/${mediaId}`));
});

test('A-15, FED-2, FED-11: another server gets thumbnails', async (t) => {
  const { server, ...serving } = await start(t);
  const mediaId = await upload(serving, await makeJpeg({ width: 800, height: 600 }), { type: 'image/jpeg' });
  const { headers, bytes } = mediaIn(await server.ask(`thumbnail/${mediaId}?width=320&height=240&method=scale`));
  assert.deepEqual(await sizeOf(bytes), { width: 320, height: 240 });
  assert.match(headers['content-type'] ?? '', /^image\/(png|jpeg)$/);
  assert.match(headers['content-disposition'] ?? '', /^inline; filename=thumbnail\.(png|jpg)$/);
  assert.deepEqual(refusalOf(await server.ask(`thumbnail/${mediaId}?height=240`)), {
    status: 400,
    errcode: 'M_MISSING_PARAM',
  });
});

test('HEAD has the headers of GET and no body, and ranges are not looked at', async (t) => {
  const { server, path } = await start(t);
  const head = await server.ask(path, { method: 'HEAD' });
  const whole = await server.ask(path, { headers: { range: 'bytes=0-1' } });
  assert.deepEqual([head.status, head.body.length, head.headers['accept-ranges']], [200, 0, 'none']);
  assert.equal(head.headers['content-length'], String(whole.body.length));
  assert.ok(mediaIn(whole).bytes.equals(BYTES));
});

test('a server that has the media is told so', async (t) => {
  const { server, path } = await start(t);
  const etag = String((await server.ask(path)).headers['etag']);
  assert.match(etag, /^W\/"[0-9a-f]{64}"$/);
  for (const known of [etag, etag.slice(2), `"x", ${etag}`]) {
    assert.equal((await server.ask(path, { headers: { 'if-none-match': known } })).status, 304);
  }
  assert.equal((await server.ask(path, { headers: { 'if-none-match': '"x"' } })).status, 200);
});

test('FED-9, FED-10: unknown media, media of others and damaged IDs are refused in JSON', async (t) => {
  const { server, service } = await start(t);
  assert.deepEqual(refusalOf(await server.ask('download/nothing')), NOT_FOUND);
  assert.deepEqual(refusalOf(await server.ask('thumbnail/nothing?width=1&height=1')), NOT_FOUND);
  assert.deepEqual(refusalOf(await server.ask('download/a%2fb')), { status: 400, errcode: 'M_INVALID_PARAM' });
  await service.stop();
  await using database = await openServiceDatabase(t, service);
  await database.db.updateTable('media').set({ origin: 'elsewhere.example.net', media_id: 'kept' }).execute();
  await database[Symbol.asyncDispose]();
  const again = await startServing(t, {}, service);
  const asking = await again.addServer('remote.example.net', 1);
  assert.deepEqual(refusalOf(await asking.ask('download/kept')), NOT_FOUND, 'a copy of media of another server');
});

test('FZ-9: frozen media is served to servers', async (t) => {
  const { server, service, path, mediaId } = await start(t);
  const openly = await fetch(`${service.url}/_matrix/media/v3/download/${SERVER_NAME}/${mediaId}`, {
    headers: { 'x-forwarded-host': SERVER_NAME },
  });
  assert.equal(openly.status, 404, 'it is frozen');
  assert.ok(mediaIn(await server.ask(path)).bytes.equals(BYTES));
});

test('quarantined media is not served; a picture stands in for its thumbnails, as for clients', async (t) => {
  const first = await start(t);
  const mediaId = await upload(first, await makeJpeg({ width: 800, height: 600 }), { type: 'image/jpeg' });
  await first.service.stop();
  await using database = await openServiceDatabase(t, first.service);
  await database.db.updateTable('media').set({ quarantined: true }).execute();
  await database[Symbol.asyncDispose]();
  const again = await startServing(t, {}, first.service);
  const server = await again.addServer('remote.example.net', 1);
  assert.deepEqual(refusalOf(await server.ask(`download/${mediaId}`)), NOT_FOUND);
  const { headers, bytes } = mediaIn(await server.ask(`thumbnail/${mediaId}?width=320&height=240`));
  assert.deepEqual(await sizeOf(bytes), { width: 320, height: 240 });
  assert.equal(headers['content-disposition'], 'inline; filename=not_allowed.png');
  assert.equal((await server.ask(`thumbnail/${mediaId}?width=320&height=240`, { method: 'HEAD' })).status, 404);
});

test('FED-3: media that has been announced is waited for', async (t) => {
  const { server, service } = await start(t);
  const created = await service.ask('/_matrix/media/v1/create', { method: 'POST' });
  const uri = ((await created.json()) as { content_uri: string }).content_uri;
  const mediaId = uri.slice(`mxc://${SERVER_NAME}/`.length);
  assert.deepEqual(refusalOf(await server.ask(`download/${mediaId}?timeout_ms=0`)), {
    status: 504,
    errcode: 'M_NOT_YET_UPLOADED',
  });
  const waiting = server.ask(`download/${mediaId}?timeout_ms=60000`);
  await service.ask(`/_matrix/media/v3/upload/${SERVER_NAME}/${mediaId}`, { method: 'PUT', body: 'late' });
  assert.equal(mediaIn(await waiting).bytes.toString(), 'late');
});

// Who asks.

test('FED-4: without a signature nothing is told', async (t) => {
  const { server, path, service } = await start(t);
  const answer = await server.ask(path, { authorize: () => undefined });
  assert.deepEqual(refusalOf(answer), UNAUTHORIZED);
  assert.deepEqual(refusalOf(await server.ask(path, { authorize: () => 'Bearer abc' })), UNAUTHORIZED);
  const user = await ask(service.url, `/_matrix/federation/v1/media/${path}`);
  assert.equal(user.status, 401, 'a token of a user is none of a server');
  assert.equal(server.remote.requests.length, 0);
});

test('FED-4, XM-8: a signature for another server, path or method is refused', async (t) => {
  const { server, path } = await start(t);
  for (const signed of [
    { destination: 'example.com' },
    { destination: 'EXAMPLE.org' },
    { uri: '/_matrix/federation/v1/media/download/other' },
    { uri: `/_matrix/federation/v1/media/${path}?timeout_ms=1` },
    { method: 'HEAD' },
  ]) {
    assert.deepEqual(refusalOf(await server.ask(path, { signed })), UNAUTHORIZED, JSON.stringify(signed));
  }
  const replayed = await server.ask(path, {
    signed: { destination: 'example.com' },
    authorize: (header) => header.replace('example.com', SERVER_NAME),
  });
  assert.deepEqual(refusalOf(replayed), UNAUTHORIZED, 'what was sent to another server, with our name in it');
});

test('FED-4, XM-11: only keys that the server publishes now can sign', async (t) => {
  const { server, path, addServer } = await start(t);
  assert.deepEqual(refusalOf(await server.ask(path, { key: generateSigningKey() })), UNAUTHORIZED, 'an unknown key');
  const impostor = { ...generateSigningKey(), keyId: server.key.keyId };
  assert.deepEqual(refusalOf(await server.ask(path, { key: impostor })), UNAUTHORIZED, 'another one with its ID');

  const expired = await addServer('expired.example.net', 2);
  const document = expired.keyDocument({ valid_until_ts: Date.now() - 1 });
  expired.remote.answer('/_matrix/key/v2/server', { body: document });
  assert.deepEqual(refusalOf(await expired.ask(path)), UNAUTHORIZED, 'a key that has ended');

  const old = await addServer('old.example.net', 3);
  const oldKeys = { [old.key.keyId]: { key: publicTextOf(old.key), expired_ts: 1 } };
  old.remote.answer('/_matrix/key/v2/server', { body: old.keyDocument({ old_verify_keys: oldKeys }) });
  assert.deepEqual(refusalOf(await old.ask(path)), UNAUTHORIZED, 'a key that is out of use');

  const down = await addServer('down.example.net', 4);
  down.remote.answer('/_matrix/key/v2/server', { status: 500 });
  assert.deepEqual(refusalOf(await down.ask(path)), UNAUTHORIZED, 'a server that cannot be asked');
  const garbled = await addServer('garbled.example.net', 5);
  garbled.remote.answer('/_matrix/key/v2/server', { body: '<html>' });
  assert.deepEqual(refusalOf(await garbled.ask(path)), UNAUTHORIZED, 'a server that does not answer in JSON');
  const huge = await addServer('huge.example.net', 6);
  huge.remote.answer('/_matrix/key/v2/server', { body: huge.keyDocument({ filling: 'x'.repeat(300_000) }) });
  assert.deepEqual(refusalOf(await huge.ask(path)), UNAUTHORIZED, 'a server that answers without end');
});

test('KEY-7, KEY-9: a notary helps with the keys of a server that cannot be asked', async (t) => {
  const { path, addServer } = await start(t, { federation: { notaries: ['notary.example.net'] } });
  const notary = await addServer('notary.example.net', 8);
  const down = await addServer('down.example.net', 9);
  down.remote.answer('/_matrix/key/v2/server', { status: 503 });
  const document = signJson(down.keyDocument(), notary.name, notary.key);
  const asked: unknown[] = [];
  notary.remote.answer('/_matrix/key/v2/query', async (request, response) => {
    asked.push([request.method, request.headers['content-type'], JSON.parse((await request.toArray()).join(''))]);
    response.end(JSON.stringify({ server_keys: [document] }));
  });
  mediaIn(await down.ask(path));
  assert.deepEqual(asked, [['POST', 'application/json', { server_keys: { [down.name]: {} } }]]);
});

test('A-16: keys are asked for once, and not at all for what is not for us', async (t) => {
  const { server, path } = await start(t);
  await server.ask(path, { signed: { destination: 'example.com' } });
  assert.equal(server.remote.requests.length, 0);
  mediaIn(await server.ask(path));
  mediaIn(await server.ask(path));
  const asked = server.remote.requests.map(({ path: at }) => at);
  assert.equal(asked.filter((at) => at === '/_matrix/key/v2/server').length, 1);
  assert.ok(server.remote.requests.every(({ headers }) => headers.authorization === undefined));
});

test('XM-5, XM-7, XM-8: older forms of the header are read', async (t) => {
  const { server, path } = await start(t);
  for (const authorize of [
    (header: string) => header.replace(`destination="${SERVER_NAME}",`, ''),
    (header: string) => header.replace(/key="([^"]*)"/, 'key=$1'),
    (header: string) => header.replace(/"/g, '').replace('X-Matrix ', 'x-matrix   '),
    (header: string) => header.replace(/,/g, ' , ').replace('origin', 'ORIGIN'),
    (header: string) => header.replace('remote.', 'remote\\.'),
    (header: string) => `${header},new="a,b"`,
  ]) {
    mediaIn(await server.ask(path, { authorize }));
  }
  const emptyQuery = `/_matrix/federation/v1/media/${path}`;
  mediaIn(await server.ask(`${emptyQuery}?`, { signed: { uri: emptyQuery } }));
});

test('XM-10: of several signatures one has to be good', async (t) => {
  const { server, path } = await start(t);
  const bad = (header: string) => header.replace(/key="[^"]*"/, 'key="ed25519:new"');
  mediaIn(await server.ask(path, { authorize: (header) => [bad(header), header] }));
  assert.deepEqual(refusalOf(await server.ask(path, { authorize: (header) => [bad(header)] })), UNAUTHORIZED);
});

test('XM-2: the signature covers the path as it was sent', async (t) => {
  const { server, mediaId } = await start(t);
  const escaped = `/_matrix/federation/v1/media/download/%${mediaId.charCodeAt(0).toString(16)}${mediaId.slice(1)}`;
  mediaIn(await server.ask(escaped));
  const plain = `/_matrix/federation/v1/media/download/${mediaId}`;
  assert.deepEqual(refusalOf(await server.ask(escaped, { signed: { uri: plain } })), UNAUTHORIZED);
});

test('XM-8: the signed destination picks the domain, whatever host a delegation has led to', async (t) => {
  const csApi = 'http://127.0.0.1:9';
  const homeservers = [SERVER_NAME, 'second.example.org'].map((name) => ({ name, csApi }));
  const { server, path } = await start(t, { homeservers });
  for (const host of ['matrix.example.org', 'second.example.org']) {
    mediaIn(await server.ask(path, { headers: { 'x-forwarded-host': host } }));
  }
  const signed = { destination: 'second.example.org' };
  assert.deepEqual(refusalOf(await server.ask(path, { signed })), NOT_FOUND, 'media of the other domain');
  const withoutDestination = {
    headers: { 'x-forwarded-host': 'matrix.example.org' },
    authorize: (header: string) => header.replace(`destination="${SERVER_NAME}",`, ''),
  };
  assert.deepEqual(refusalOf(await server.ask(path, withoutDestination)), UNAUTHORIZED, 'nobody says whom it is for');
});

// Who may.

test('servers that are denied, or not allowed, get 403', async (t) => {
  const serveTo = { allow: ['*.example.net'], deny: ['bad.*'] };
  const { server, path, addServer } = await start(t, { federation: { servers: { serveTo } } });
  mediaIn(await server.ask(path));
  const forbidden = { status: 403, errcode: 'M_FORBIDDEN' };
  for (const [at, name] of ['bad.example.net', 'other.example.com'].entries()) {
    const refused = await (await addServer(name, 10 + at)).ask(path);
    assert.deepEqual(refusalOf(refused), forbidden);
    assert.match(refused.body.toString(), new RegExp(name), 'it says who is refused');
  }
  const unsigned = await server.ask(path, { authorize: () => undefined });
  assert.deepEqual(refusalOf(unsigned), UNAUTHORIZED, 'who has not shown a name is told nothing about it');
});

test('a domain may have lists of its own', async (t) => {
  const homeservers = [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }];
  const folder = await makeServiceFolder(t, ENGINES[0], { homeservers });
  const configs = join(folder.path, 'configs');
  await mkdir(configs);
  await rename(folder.configPath, join(configs, 'a.yaml'));
  const own = { homeserver: SERVER_NAME, federation: { servers: { serveTo: { deny: ['remote.*'] } } } };
  await writeFile(join(configs, 'b.yaml'), stringify(own));
  const serving = await startServing(t, {}, { ...folder, configPath: configs });
  const path = `download/${await upload(serving, BYTES)}`;
  assert.equal((await (await serving.addServer('remote.example.net', 1)).ask(path)).status, 403);
  mediaIn(await (await serving.addServer('other.example.net', 2)).ask(path));
});

test('bytes count for the server that asks, and requests for the address', async (t) => {
  const downloads = { capacityBytes: 150_000, overflowLimitBytes: 0, drainBytesPerMinute: 1 };
  const limited = { rateLimit: { enabled: true, requestsPerSecond: 0.001, burst: 3, buckets: { downloads } } };
  const { server, path, addServer } = await start(t, limited);
  const other = await addServer('other.example.net', 2);
  const exceeded = { status: 429, errcode: 'M_LIMIT_EXCEEDED' };
  mediaIn(await server.ask(path));
  assert.deepEqual(refusalOf(await server.ask(path)), exceeded);
  mediaIn(await other.ask(path));
  const counted = await other.ask(path, { method: 'HEAD' });
  assert.equal(counted.status, 429, 'the fourth request from this address for this media');
  assert.ok(Number(counted.headers['retry-after']) > 0);
});

// The keys of the service itself.

test('a signing key that cannot be used keeps the service from starting', async (t) => {
  const homeservers = [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9', signingKeyPath: '/nowhere/signing.key' }];
  await assert.rejects(
    startServing(t, { homeservers }),
    /signing keys cannot be used(.|\n)*signingKeyPath of example\.org/,
  );
});

test('KEY-11: at the start the homeserver is asked whether it publishes the key', async (t) => {
  const internet = await playInternet(t);
  internet.dns.set(SERVER_NAME, 'A', ['10.0.0.1']);
  const homeserver = await internet.start('10.0.0.1 8448', { names: [SERVER_NAME] });
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  homeserver.answer('/_matrix/key/v2/server', (_request, response) => {
    response.writeHead(404).end();
    resolve();
  });
  const folder = await makeServiceFolder(t, ENGINES[0]);
  const signingKeyPath = join(folder.path, 'signing.key');
  await writeFile(signingKeyPath, formatKeyFile('mmr', [generateSigningKey()]));
  const config = await readFile(folder.configPath, 'utf8');
  await writeFile(folder.configPath, config.replace('csApi:', `signingKeyPath: ${signingKeyPath}\n    csApi:`));
  await startServing(t, {}, folder, internet);
  await asked;
});
