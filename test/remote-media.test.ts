import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { makePng } from './pictures.ts';
import {
  answering,
  assertNothingKept,
  assertNotServed,
  BOUNDARY,
  BYTES,
  bytesOf,
  downloadOf,
  multipart,
  playOwner,
  REMOTE,
  refusalOf,
  signedPathOf,
} from './played-owner.ts';
import { ENGINES, listObjects, SERVER_NAME, TOKEN } from './service.ts';

const SIGNED = signedPathOf('abc');
const OPEN_V3 = `/_matrix/media/v3/download/${REMOTE}/abc`;
const OPEN_R0 = `/_matrix/media/r0/download/${REMOTE}/abc`;
const DOWNLOAD = downloadOf('abc');

/** In pieces of one byte. */
function dripping(body: Buffer) {
  return async (_request: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': `multipart/mixed; boundary="${BOUNDARY}"` });
    for (const byte of body) await new Promise((sent) => response.write(Uint8Array.of(byte), sent));
    response.end();
  };
}

for (const engine of ENGINES) {
  test(`${engine.name}: media of another server is fetched once, signed, and kept`, {
    skip: engine.skip,
  }, async (t) => {
    const { remote, service, asked } = await playOwner(t, {}, engine);
    remote.answer(SIGNED, answering(multipart(BYTES, { name: 'letter.txt' })));
    const first = await service.ask(DOWNLOAD);
    assert.equal(first.status, 200);
    assert.deepEqual(await bytesOf(first), BYTES);
    assert.match(first.headers.get('content-type') ?? '', /^text\/plain/);
    assert.match(first.headers.get('content-disposition') ?? '', /letter\.txt/);
    const again = await service.ask(DOWNLOAD, { headers: { range: 'bytes=0-4' } });
    assert.deepEqual([again.status, (await bytesOf(again)).toString()], [206, 'Every']);
    assert.deepEqual(asked(), [SIGNED]);
    const authorization = remote.requests.at(-1)?.headers.authorization ?? '';
    assert.match(authorization, new RegExp(`^X-Matrix .*origin="?${SERVER_NAME}"?`));
    assert.match(authorization, new RegExp(`destination="?${REMOTE}"?`));
    assert.equal((await listObjects(service)).length, 1);
  });
}

test('DL-2, FED-23: a thousand who ask for the same media at once cost one fetch', async (t) => {
  const { remote, service, asked } = await playOwner(t);
  remote.answer(SIGNED, answering(multipart(BYTES)));
  const answers = await Promise.all(Array.from({ length: 1000 }, () => service.ask(DOWNLOAD)));
  for (const answer of answers) assert.deepEqual(await bytesOf(answer), BYTES);
  assert.equal(asked().length, 1);
  assert.equal((await listObjects(service)).length, 1);
});

test('FED-15, FED-23: a thousand who ask for media that is missing cost one request', async (t) => {
  const { remote, service, asked } = await playOwner(t);
  remote.answer(SIGNED, { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'No' } });
  const answers = await Promise.all(Array.from({ length: 1000 }, () => service.ask(DOWNLOAD)));
  for (const answer of answers) assert.deepEqual(await refusalOf(answer), [404, 'M_NOT_FOUND']);
  assert.deepEqual(asked(), [SIGNED]);
});

for (const [what, reply] of Object.entries({
  M_UNRECOGNIZED: { status: 404, body: { errcode: 'M_UNRECOGNIZED' } },
  'M_UNRECOGNIZED with 405': { status: 405, body: { errcode: 'M_UNRECOGNIZED' } },
  'a 404 of a proxy': { status: 404, body: '<html>' },
})) {
  test(`FED-14: after ${what} the deprecated endpoints are asked, v3 first, unsigned`, async (t) => {
    const { remote, service, asked } = await playOwner(t);
    for (const path of [SIGNED, OPEN_V3]) remote.answer(path, reply);
    remote.answer(OPEN_R0, answering(BYTES, 'image/x-odd'));
    const answer = await service.ask(DOWNLOAD);
    assert.deepEqual(await bytesOf(answer), BYTES);
    assert.equal(answer.headers.get('content-type'), 'image/x-odd');
    assert.deepEqual(asked(), [SIGNED, OPEN_V3, OPEN_R0]);
    const [, openly] = remote.requests.filter(({ path }) => path.includes('/media/'));
    assert.match(openly?.path ?? '', /\?allow_remote=false&allow_redirect=true$/);
    assert.equal(openly?.headers.authorization, undefined);
  });
}

test('FED-15, FED-23: a server that asks for patience is not asked before its time, and the asker is told', async (t) => {
  const { remote, service, asked } = await playOwner(t);
  for (const [mediaId, wish, told] of [
    ['abc', '7', '7'],
    ['for-ever', '9'.repeat(400), '3600'],
    ['never', 'Infinity', '1'],
  ] as const) {
    const headers = { 'retry-after': wish };
    remote.answer(signedPathOf(mediaId), { status: 429, headers, body: { errcode: 'M_LIMIT_EXCEEDED' } });
    const refused = await service.ask(downloadOf(mediaId));
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, told]);
  }
  assert.equal((await service.ask(DOWNLOAD)).status, 503);
  assert.equal(asked().filter((path) => path === SIGNED).length, 1);
});

test('FED-22: another server learns nothing of the user who asks', async (t) => {
  const { remote, service } = await playOwner(t);
  for (const path of [SIGNED, OPEN_V3]) remote.answer(path, { status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
  const headers = {
    'x-forwarded-for': '203.0.113.7',
    'user-agent': 'a client',
    cookie: 'a=b',
    referer: 'https://b.example/',
  };
  await service.ask(`${DOWNLOAD}?user_id=@alice:${SERVER_NAME}`, { headers });
  const asked = remote.requests.filter(({ path }) => path.includes('/media/'));
  assert.equal(asked.length, 3);
  for (const { path, headers: sent } of asked) {
    assert.deepEqual(
      Object.keys(sent)
        .filter((name) => name !== 'authorization')
        .sort(),
      ['accept-encoding', 'connection', 'host', 'user-agent'],
    );
    assert.doesNotMatch(`${path} ${JSON.stringify(sent)}`, new RegExp(`203\\.0|alice|a client|${TOKEN}`));
  }
});

test('without a signing key only the deprecated endpoints are asked', async (t) => {
  const { remote, service, asked } = await playOwner(t, {
    homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }],
  });
  remote.answer(OPEN_V3, answering(BYTES, 'text/plain'));
  assert.deepEqual(await bytesOf(await service.ask(DOWNLOAD)), BYTES);
  assert.deepEqual(asked(), [OPEN_V3]);
});

for (const [status, body, expected] of [
  [401, { errcode: 'M_UNAUTHORIZED' }, [404, 'M_NOT_FOUND']],
  [403, { errcode: 'M_FORBIDDEN' }, [404, 'M_NOT_FOUND']],
  [413, { errcode: 'M_TOO_LARGE' }, [502, 'M_TOO_LARGE']],
  [429, { errcode: 'M_LIMIT_EXCEEDED' }, [503, 'M_UNKNOWN']],
  [500, 'broken', [502, 'M_UNKNOWN']],
  [502, { errcode: 'M_TOO_LARGE' }, [502, 'M_TOO_LARGE']],
  [504, { errcode: 'M_NOT_YET_UPLOADED' }, [504, 'M_NOT_YET_UPLOADED']],
] as const) {
  test(`FED-15: ${status} of another server with ${JSON.stringify(body)} is ${expected[0]}, without another try`, async (t) => {
    const { remote, service, asked } = await playOwner(t);
    remote.answer(SIGNED, { status, body });
    assert.deepEqual(await refusalOf(await service.ask(DOWNLOAD)), expected);
    assert.deepEqual(asked(), [SIGNED]);
    await assertNothingKept(service);
  });
}

const good = multipart(BYTES).toString();
const LOOKALIKE = Buffer.from(`a\r\n--${BOUNDARY}x\r\nb\r\n--${BOUNDARY.slice(1)}\r\n--${BOUNDARY}- \n\r\n--`);
for (const [what, bytes, body] of [
  ['content that looks like a delimiter', LOOKALIKE, multipart(LOOKALIKE)],
  ['an empty file', Buffer.alloc(0), multipart(Buffer.alloc(0))],
  ['line ends of LF alone', BYTES, multipart(BYTES, {}, '\n')],
  ['preamble and epilogue', BYTES, Buffer.from(`Hello\r\n${multipart(BYTES)}Bye`)],
  ['padding behind delimiters', BYTES, Buffer.from(good.replaceAll(`--${BOUNDARY}\r`, `--${BOUNDARY} \t\r`))],
  ['metadata that nobody knows yet', BYTES, Buffer.from(good.replace('{}', '{"org.example.new": {"a": [1]}}'))],
  ['a first part without a type', BYTES, Buffer.from(good.replace('Content-Type: application/json\r\n', ''))],
] as const) {
  test(`FED-16: ${what} comes through unchanged, in whichever pieces it arrives`, async (t) => {
    for (const answer of [answering(body), dripping(body)]) {
      const { remote, service } = await playOwner(t);
      remote.answer(SIGNED, answer);
      assert.deepEqual(await bytesOf(await service.ask(DOWNLOAD)), bytes);
    }
  });
}

test('CT-4, CD-8, FED-20: media without type and name has none but the general type', async (t) => {
  const { remote, service } = await playOwner(t);
  remote.answer(SIGNED, answering(multipart(BYTES, { type: '' })));
  const { headers } = await service.ask(DOWNLOAD);
  assert.equal(headers.get('content-type'), 'application/octet-stream');
  assert.equal(headers.get('content-disposition'), 'attachment');
});

test('CD-8: a name with folders loses them', async (t) => {
  const { remote, service } = await playOwner(t);
  remote.answer(SIGNED, answering(multipart(BYTES, { name: '../../etc/passwd' })));
  assert.match((await service.ask(DOWNLOAD)).headers.get('content-disposition') ?? '', /filename="?passwd"?$/);
});

test('FED-18: Location is followed, without credentials', async (t) => {
  const { remote, service, dns, start } = await playOwner(t);
  dns.set('cdn.example', 'A', ['10.0.0.2']);
  const cdn = await start('10.0.0.2 443', { names: ['cdn.example'] });
  cdn.answer('/object', answering(BYTES, 'image/x-odd'));
  remote.answer(SIGNED, answering(multipart(Buffer.alloc(0), { location: 'https://cdn.example/object?a=b' })));
  const answer = await service.ask(DOWNLOAD);
  assert.deepEqual(await bytesOf(answer), BYTES);
  assert.equal(answer.headers.get('content-type'), 'image/x-odd');
  assert.equal(cdn.requests[0]?.headers.authorization, undefined);
});

test('FED-17: what has broken off is fetched again later', async (t) => {
  const { remote, service } = await playOwner(t, { downloads: { failureCacheMinutes: 0 } });
  remote.answer(SIGNED, (_request, response) => {
    response.writeHead(200, { 'content-type': `multipart/mixed; boundary=${BOUNDARY}`, 'content-length': good.length });
    response.write(good.slice(0, -40), () => response.destroy());
  });
  await assertNotServed(service.ask(DOWNLOAD), [502, 'M_UNKNOWN']);
  remote.answer(SIGNED, answering(multipart(BYTES)));
  assert.deepEqual(await bytesOf(await service.ask(DOWNLOAD)), BYTES);
});

test('DL-4: allow_remote=false asks nobody, and gets what is kept', async (t) => {
  const { remote, service, asked } = await playOwner(t);
  remote.answer(SIGNED, answering(multipart(BYTES)));
  const openly = `/_matrix/media/v3/download/${REMOTE}/abc`;
  assert.deepEqual(await refusalOf(await service.ask(`${openly}?allow_remote=false`)), [404, 'M_NOT_FOUND']);
  assert.deepEqual(asked(), []);
  assert.deepEqual(await bytesOf(await service.ask(openly)), BYTES);
  assert.deepEqual(await bytesOf(await service.ask(`${openly}?allow_remote=false`)), BYTES);
});

test('DL-6: who has waited timeout_ms gets 504, and the fetch goes on', async (t) => {
  const { remote, service, asked } = await playOwner(t);
  const { promise: isAsked, resolve: tellAsked } = Promise.withResolvers<ServerResponse>();
  remote.answer(SIGNED, (_request, response) => tellAsked(response));
  assert.deepEqual(await refusalOf(await service.ask(`${DOWNLOAD}?timeout_ms=1`)), [504, 'M_NOT_YET_UPLOADED']);
  answering(multipart(BYTES))(undefined, await isAsked);
  assert.deepEqual(await bytesOf(await service.ask(DOWNLOAD)), BYTES);
  assert.equal(asked().length, 1);
});

test('a fetch stops when the only one who asked has left', async (t) => {
  const { remote, service } = await playOwner(t);
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  const controller = new AbortController();
  remote.answer(SIGNED, (_request, response) => {
    response.on('close', resolve);
    controller.abort();
  });
  await assert.rejects(service.ask(DOWNLOAD, { signal: controller.signal }));
  await stopped;
  await assertNothingKept(service);
});

test('fetchFrom says from which servers media is fetched', async (t) => {
  const servers = { fetchFrom: { allow: ['*.example'], deny: ['REMOTE.*'] } };
  const { service, asked } = await playOwner(t, { federation: { servers } });
  assert.deepEqual(await refusalOf(await service.ask(DOWNLOAD)), [403, 'M_FORBIDDEN']);
  const elsewhere = DOWNLOAD.replace(REMOTE, 'remote.example.net');
  assert.deepEqual(await refusalOf(await service.ask(elsewhere)), [403, 'M_FORBIDDEN']);
  assert.deepEqual(asked(), []);
});

test('FZ-2: what is fetched during a freeze is frozen, and nothing is fetched for those without a token', async (t) => {
  const { remote, service, asked } = await playOwner(t, {
    repo: { bindAddress: '127.0.0.1', port: 0, logDirectory: '-', logLevel: 'fatal', freezeUnauthenticatedMedia: true },
  });
  remote.answer(SIGNED, answering(multipart(BYTES)));
  const openly = { headers: { authorization: '' } };
  const path = `/_matrix/media/v3/download/${REMOTE}/abc`;
  assert.deepEqual(await refusalOf(await service.ask(path, openly)), [404, 'M_NOT_FOUND']);
  assert.deepEqual(asked(), []);
  assert.deepEqual(await bytesOf(await service.ask(DOWNLOAD)), BYTES);
  assert.deepEqual(await refusalOf(await service.ask(path, openly)), [404, 'M_NOT_FOUND']);
});

test('TH-18: thumbnails, information and copies of remote media fetch it first, once', async (t) => {
  const { remote, service, asked } = await playOwner(t);
  remote.answer(SIGNED, answering(multipart(await makePng({ width: 100, height: 80 }), { type: 'image/png' })));
  const paths = [
    `/_matrix/client/v1/media/thumbnail/${REMOTE}/abc?width=32&height=32`,
    `/_matrix/media/unstable/info/${REMOTE}/abc`,
    `/_matrix/media/unstable/local_copy/${REMOTE}/abc`,
  ];
  const answers = await Promise.all(paths.map((path) => service.ask(path)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal(asked().length, 1);
});

test('a redirect to another path of the same server goes to where that server is', async (t) => {
  const { remote, service } = await playOwner(t, { homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }] });
  remote.answer(`/_matrix/media/v3/download/${REMOTE}/abc`, (_request, response) => {
    response.writeHead(307, { location: '/store/abc?a=b' }).end();
  });
  remote.answer('/store/abc', answering(BYTES, 'image/x-odd'));
  const answer = await service.ask(downloadOf('abc'));
  assert.deepEqual([answer.headers.get('content-type'), await bytesOf(answer)], ['image/x-odd', BYTES]);
});

test('FED-18: a Location on the same server may have characters that no path has', async (t) => {
  const { remote, service } = await playOwner(t);
  remote.answer('/a%20b', answering(BYTES, 'text/plain'));
  remote.answer(SIGNED, answering(multipart(Buffer.alloc(0), { location: '/a b?c d#e' })));
  assert.deepEqual(await bytesOf(await service.ask(DOWNLOAD)), BYTES);
  assert.equal(remote.requests.at(-1)?.path, '/a%20b?c%20d');
});

test('content that is made of beginnings of delimiters does not keep the service busy', async (t) => {
  const { remote, service } = await playOwner(t);
  const head = '--a\r\nContent-Type: application/json\r\n\r\n{}\r\n--a\r\n\r\n';
  remote.answer(
    signedPathOf('abc'),
    answering(Buffer.from(`${head}${'\r\n--aX'.repeat(2_000_000)}\r\n--a--`), 'multipart/mixed; boundary=a'),
  );
  await assertNotServed(service.ask(downloadOf('abc')), [502, 'M_UNKNOWN']);
});
