import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Handle } from './fake-remote.ts';
import {
  answering,
  assertNotServed,
  BOUNDARY,
  BYTES,
  bytesOf,
  downloadOf,
  listTemporaries,
  multipart,
  type PlayedOwner,
  playOwner,
  REMOTE,
  refusalOf,
  signedPathOf,
} from './played-owner.ts';
import { openRawClient } from './raw-client.ts';
import { type ConfigSections, listObjects, SERVER_NAME, TOKEN } from './service.ts';

// Servers that mean no good, and those that are broken. All of them: docs/contributing/hostile-servers.md.

const MIXED = `multipart/mixed; boundary=${BOUNDARY}`;
const BAD_ANSWER = [502, 'M_UNKNOWN'] as const;
const NO_KEY = { homeservers: [{ name: SERVER_NAME, csApi: 'http://127.0.0.1:9' }] };
const part1 = `--${BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{}\r\n`;
const good = multipart(BYTES).toString();

/** What the other server does when it is asked, and what the asker gets; default: 502. */
interface Case {
  readonly answer: Handle;
  readonly expected?: readonly unknown[];
}

/**
 * Asks for one media after the other, or for all at once. After each the service still serves, and in the end nothing is
 * kept but the media that was good.
 */
async function assertNoneServed(
  t: TestContext,
  title: (what: string) => string,
  cases: Readonly<Record<string, Case>>,
  { sections = {}, atOnce = false, pathOf = signedPathOf }: Options = {},
): Promise<PlayedOwner> {
  const played = await playOwner(t, { ...sections });
  const { remote, service } = played;
  const asks: Promise<void>[] = [];
  for (const [at, [what, { answer, expected = BAD_ANSWER }]] of Object.entries(cases).entries()) {
    remote.answer(pathOf(`bad${at}`), answer);
    const ask = t.test(title(what), () => assertNotServed(service.ask(downloadOf(`bad${at}`)), expected));
    if (!atOnce) await ask;
    asks.push(ask);
  }
  await Promise.all(asks);
  await assertGoesOn(played, pathOf);
  return played;
}

interface Options {
  readonly sections?: ConfigSections;
  readonly atOnce?: boolean;
  /** Where the other server is asked for its media. */
  readonly pathOf?: (mediaId: string) => string;
}

const openPathOf = (mediaId: string) => `/_matrix/media/v3/download/${REMOTE}/${mediaId}`;

async function assertGoesOn({ remote, service }: PlayedOwner, pathOf = signedPathOf): Promise<void> {
  remote.answer(pathOf('good'), pathOf === signedPathOf ? answering(multipart(BYTES)) : answering(BYTES, 'text/plain'));
  assert.deepEqual(await bytesOf(await service.ask(downloadOf('good'))), BYTES);
  await service.stop(); // whatever still goes on is finished then
  assert.equal((await listObjects(service)).length, 1);
  assert.deepEqual(await listTemporaries(service), []);
}

/** Past everything that would keep HTTP as it should be. */
function raw(behave: (socket: Socket) => void): Handle {
  return ({ socket }) => behave(socket);
}

/** With an answer that says of its length what it likes. */
function claiming(length: number, body: string): Handle {
  return raw(
    (socket) =>
      void socket.end(`HTTP/1.1 200 OK\r\nContent-Type: ${MIXED}\r\nContent-Length: ${length}\r\n\r\n${body}`),
  );
}

function stallingAfter(text: string): Handle {
  return raw((socket) => void socket.write(text));
}

/** A byte now and then, for ever. */
function drippingAfter(text: string): Handle {
  return raw((socket) => {
    socket.write(text);
    const timer = setInterval(() => socket.write('a'), 50);
    socket.once('close', () => clearInterval(timer));
  });
}

/** As fast as it is taken, for ever. */
function pouringAfter(text: string, gone: () => void = () => undefined): Handle {
  const endless = Buffer.alloc(65_536, 'a');
  return raw((socket) => {
    socket.once('close', gone);
    socket.write(text);
    const more = () => {
      for (let isTaken = true; isTaken && !socket.destroyed; ) isTaken = socket.write(endless);
    };
    socket.on('drain', more);
    more();
  });
}

/** In chunks of a byte each, without end: each costs as much time as one of 64 KiB would. */
function crumblingAfter(text: string): Handle {
  return raw((socket) => {
    const chunks = Buffer.from('1\r\na\r\n'.repeat(2_000));
    socket.write(head.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n'));
    socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    const more = () => {
      for (let isTaken = true; isTaken && !socket.destroyed; ) isTaken = socket.write(chunks);
    };
    socket.on('drain', more);
    more();
  });
}

const head = `HTTP/1.1 200 OK\r\nContent-Type: ${MIXED}\r\n\r\n`;

test('FED-16: whatever is wrong with the parts', async (t) => {
  const bodies: Readonly<Record<string, string>> = {
    'no part at all': `--${BOUNDARY}--\r\n`,
    'an empty body': '',
    'one part': `${part1.slice(0, -2)}\r\n--${BOUNDARY}--\r\n`,
    'three parts': good.replace(`\r\n--${BOUNDARY}--`, `\r\n--${BOUNDARY}\r\n\r\nmore\r\n--${BOUNDARY}--`),
    'a boundary in the middle of the media': good.replace('Every', `Every\r\n--${BOUNDARY}\r\nX: y\r\n\r\n`),
    'no last delimiter': good.replace(`\r\n--${BOUNDARY}--\r\n`, ''),
    'half a last delimiter': good.replace(`${BOUNDARY}--\r\n`, `${BOUNDARY}-`),
    'a first part that is no JSON': good.replace('{}', '{'),
    'a first part that is no object': good.replace('{}', '[]'),
    'a first part of another type': good.replace('application/json', 'text/html'),
    'a first part with parts': good.replace('application/json', 'multipart/mixed; boundary=x'),
    'a first part that does not end': part1.replace('{}', `{"a":"${'a'.repeat(70_000)}"}`),
    'a second part with parts': good.replace('text/plain', 'multipart/mixed; boundary=x'),
    'headers that are too long': good.replace('text/plain', `text/plain; a=${'a'.repeat(20_000)}`),
    'too many headers': good.replace(
      'Content-Type: text/plain',
      Array.from({ length: 2000 }, (_, n) => `X-${n}: a`).join('\r\n'),
    ),
    'a header twice': good.replace('Content-Type: text/plain', 'Content-Type: a/b\r\nContent-Type: c/d'),
    'a header without a name': good.replace('Content-Type: text/plain', ': text/plain'),
    'a CR inside of a header': good.replace('text/plain', 'text/plain\rSet-Cookie: a=b'),
    'a NUL inside of a header': good.replace('text/plain', 'text/pl\0ain'),
    'encoded media': good.replace('text/plain', 'text/plain\r\nContent-Transfer-Encoding: base64'),
    'a preamble without end': `${'a'.repeat(70_000)}\r\n${good}`,
    'another boundary': good.replaceAll(BOUNDARY, 'another'),
  };
  const cases = Object.entries(bodies).map(([what, body]) => [what, { answer: answering(Buffer.from(body)) }] as const);
  await assertNoneServed(t, (what) => `${what} is not served, and nothing is kept`, Object.fromEntries(cases));
});

test('FED-16: what is no multipart/mixed', async (t) => {
  const types = [
    'text/plain',
    'application/json',
    'multipart/mixed',
    'multipart/mixed; boundary=""',
    'multipart/form-data; boundary=a',
  ];
  const cases = [...types, `multipart/mixed; boundary=${'a'.repeat(71)}`].map((type) => {
    return [type.slice(0, 40), { answer: answering(multipart(BYTES), type) }] as const;
  });
  await assertNoneServed(t, (what) => `an answer of type ${what} is not served`, {
    ...Object.fromEntries(cases),
    'application/json, with an error in it': {
      answer: answering(Buffer.from('{"errcode":"M_NOT_FOUND"}'), 'application/json'),
    },
  });
});

test('statuses that are neither media nor a refusal', async (t) => {
  const answer = (status: number, headers = {}): Case => ({
    answer: (_request, response) => void response.writeHead(status, { 'content-type': MIXED, ...headers }).end(good),
  });
  await assertNoneServed(t, (what) => `${what} on the authenticated endpoint is not served`, {
    'a part of the media (206)': answer(206, { 'content-range': 'bytes 0-15/16' }),
    'media with 201': answer(201),
    'nothing (204)': { answer: (_request, response) => void response.writeHead(204).end() },
    'not modified (304)': { answer: (_request, response) => void response.writeHead(304).end() },
    'a redirect (302)': answer(302, { location: `https://${REMOTE}:8448${signedPathOf('good')}` }),
    'a redirect (307)': answer(307, { location: `https://${REMOTE}:8448${signedPathOf('good')}` }),
    'a status that there is not (999)': answer(999),
  });
});

test('FED-17: lengths that are wrong', async (t) => {
  await assertNoneServed(t, (what) => `${what} is not served`, {
    'an answer shorter than its length': { answer: claiming(good.length + 10, good.slice(0, -30)) },
    'an answer longer than its length': { answer: claiming(good.length - 30, good) },
    'an answer with a length of nothing': { answer: claiming(0, good) },
    'an answer with a length that is no number': {
      answer: raw((socket) => void socket.end(head.replace('\r\n\r\n', `\r\nContent-Length: many\r\n\r\n${good}`))),
    },
    'an answer with two lengths': {
      answer: raw((socket) => {
        socket.end(head.replace('\r\n\r\n', `\r\nContent-Length: ${good.length}\r\nContent-Length: 5\r\n\r\n${good}`));
      }),
    },
    'an answer that breaks off in the middle of the media': {
      answer: raw((socket) => void socket.write(head + good.slice(0, -40), () => socket.destroy())),
    },
    'an answer in chunks whose last one is missing': {
      answer: raw((socket) => {
        const chunk = `${good.length.toString(16)}\r\n${good.slice(0, -30)}`;
        socket.end(head.replace('\r\n\r\n', `\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`));
      }),
    },
  });
});

test('FED-17: wrong lengths on the deprecated endpoints', async (t) => {
  const plain = (headers: string, body: string) =>
    raw((socket) => void socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n${headers}\r\n\r\n${body}`));
  await assertNoneServed(
    t,
    (what) => `${what} is not served`,
    {
      'media shorter than its length': { answer: plain('Content-Length: 100', 'short') },
      'media in chunks whose last one is missing': { answer: plain('Transfer-Encoding: chunked', '5\r\nshort\r\n') },
    },
    { sections: NO_KEY, pathOf: openPathOf },
  );
});

test('a second answer behind the first one is not taken for the answer to the next request', async (t) => {
  const { remote, service } = await playOwner(t, NO_KEY);
  const forged = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nforged';
  remote.answer(
    openPathOf('first'),
    raw((socket) => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst${forged}`)),
  );
  remote.answer(openPathOf('second'), answering(Buffer.from('second'), 'text/plain'));
  assert.equal((await bytesOf(await service.ask(downloadOf('first')))).toString(), 'first');
  assert.equal((await bytesOf(await service.ask(downloadOf('second')))).toString(), 'second');
});

test('servers that stall', async (t) => {
  const expected = [504, 'M_UNKNOWN'];
  const media = `${part1}--${BOUNDARY}\r\nContent-Type: text/plain\r\n`;
  const places: Readonly<Record<string, Handle>> = {
    'before the headers': () => undefined,
    'inside of the headers': stallingAfter(head.slice(0, -20)),
    'before the first boundary': stallingAfter(head),
    'inside of the first boundary': stallingAfter(`${head}--${BOUNDARY.slice(0, 5)}`),
    'inside of the metadata': stallingAfter(head + part1.slice(0, -3)),
    'inside of the headers of the media': stallingAfter(head + media.slice(0, -5)),
    'inside of the media': stallingAfter(`${head + media}\r\nEvery`),
    'before the last delimiter': stallingAfter(head + good.slice(0, good.lastIndexOf(BOUNDARY) - 4)),
    'inside of the last delimiter': stallingAfter(head + good.slice(0, -5)),
  };
  const cases = Object.entries(places).map(([where, answer]) => [where, { answer, expected }] as const);
  await assertNoneServed(t, (where) => `one that stalls ${where} costs its askers a 504`, Object.fromEntries(cases), {
    sections: { timeouts: { federationTimeoutSeconds: 2 } },
    atOnce: true,
  });
});

test('servers that drip, so that they never stall', async (t) => {
  const expected = [504, 'M_UNKNOWN'];
  await assertNoneServed(
    t,
    (what) => `one that drips ${what} is left at the limit for the whole`,
    {
      'its headers': { answer: drippingAfter(`${head.slice(0, -2)}X-A: `), expected },
      'its preamble': { answer: drippingAfter(head), expected },
      'its metadata': { answer: drippingAfter(head + part1.replace('}\r\n', '"')), expected },
      'the headers of the media': { answer: drippingAfter(`${head + part1}--${BOUNDARY}\r\nX-A: `), expected },
      'the media': { answer: drippingAfter(`${head + part1}--${BOUNDARY}\r\n\r\n`), expected },
    },
    { sections: { timeouts: { federationTimeoutSeconds: 2 } }, atOnce: true },
  );
});

test('SEC-6, SEC-7: servers that send more than downloads.maxBytes, or without end', async (t) => {
  const expected = [502, 'M_TOO_LARGE'];
  const media = `${part1}--${BOUNDARY}\r\nContent-Type: text/plain\r\n\r\n`;
  const told = `HTTP/1.1 200 OK\r\nContent-Type: ${MIXED}\r\nContent-Length: 10000000\r\n\r\n`;
  await assertNoneServed(
    t,
    (what) => `${what} is left, and keeps nothing`,
    {
      'media without end': { answer: pouringAfter(head + media), expected },
      'media that is told to be too large': { answer: stallingAfter(`${told + media}beginning`), expected },
      'media a little too large': { answer: answering(multipart(Buffer.alloc(100_001))), expected },
      'headers without end': { answer: pouringAfter('HTTP/1.1 200 OK\r\nX-A: ') },
      'a preamble without end': { answer: pouringAfter(head) },
      'metadata without end': { answer: pouringAfter(`${head + part1.slice(0, -3)}"`) },
      'headers of a part without end': { answer: pouringAfter(`${head + part1}--${BOUNDARY}\r\nX-A: `) },
    },
    { sections: { downloads: { maxBytes: 100_000 } } },
  );
});

test('answers in chunks of a byte each', async (t) => {
  await assertNoneServed(t, (what) => `${what} in crumbs is left after the first few thousand`, {
    'a preamble': { answer: crumblingAfter('\r\n') },
    media: { answer: crumblingAfter(`${part1}--${BOUNDARY}\r\nContent-Type: text/plain\r\n\r\n`) },
  });
});

test('an epilogue without end delays nobody: the media is complete before it', async (t) => {
  const { remote, service } = await playOwner(t);
  const { promise: isGone, resolve } = Promise.withResolvers<void>();
  remote.answer(signedPathOf('abc'), pouringAfter(head + good, resolve));
  assert.deepEqual(await bytesOf(await service.ask(downloadOf('abc'))), BYTES);
  await isGone;
});

test('an error without end is not read to its end', async (t) => {
  const { promise: isGone, resolve } = Promise.withResolvers<void>();
  const answer = pouringAfter('HTTP/1.1 500 Broken\r\nContent-Type: application/json\r\n\r\n{"errcode":"', resolve);
  await assertNoneServed(t, (what) => `${what} is left`, { 'an error without end': { answer } });
  await isGone;
});

test('compressed answers, which nobody asked for and which may unpack to any size', async (t) => {
  const bomb = gzipSync(multipart(Buffer.alloc(50_000_000)));
  const compressed = (coding: string, type = MIXED): Case => ({
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': type, 'content-encoding': coding, 'content-length': bomb.length });
      response.end(bomb);
    },
  });
  const title = (what: string) => `${what} is neither unpacked nor kept`;
  await assertNoneServed(t, title, {
    gzip: compressed('gzip'),
    brotli: compressed('br'),
    several: compressed('br, gzip'),
  });
  await assertNoneServed(
    t,
    (what) => `${what} on a deprecated endpoint is neither unpacked nor kept`,
    { gzip: compressed('gzip', 'text/plain'), deflate: compressed('DEFLATE', 'text/plain') },
    { sections: NO_KEY, pathOf: openPathOf },
  );
});

/** Where no request of another server may lead us. */
const INSIDE: readonly string[] = [
  'https://127.0.0.1/secret',
  'https://127.1/secret',
  'https://169.254.169.254/latest/meta-data/',
  'https://[::1]/secret',
  'https://[::ffff:127.0.0.1]/secret',
  'https://[fd00:ec2::254]/latest/meta-data/',
  'http://10.0.0.1:8448/plain',
  'file:///etc/passwd',
  'https://inside.example/secret',
  'https://localhost/secret',
  'https://',
  '/\\127.0.0.1/secret',
];

for (const [how, pathOf, sections, lead] of [
  ['Location', signedPathOf, {}, (location: string) => answering(multipart(Buffer.alloc(0), { location }))],
  ['a redirect', openPathOf, NO_KEY, redirectingTo],
] as const) {
  test(`SEC-13, FED-18: ${how} to where nobody may be led`, async (t) => {
    const cases = INSIDE.map((location) => [location, { answer: lead(location) }] as const);
    const played = await assertNoneServed(
      t,
      (location) => `${how} to ${location} is not followed`,
      Object.fromEntries(cases),
      { sections, pathOf },
    );
    const others = played.routes.used.filter((endpoint) => !endpoint.startsWith('10.0.0.1 '));
    assert.deepEqual(others, []);
  });
}

function redirectingTo(location: string): Handle {
  return (_request: unknown, response: ServerResponse) => void response.writeHead(307, { location }).end();
}

test('FED-18: what stands behind Location is looked at as closely', async (t) => {
  const at = (path: string) => `https://${REMOTE}:8448${path}`;
  const leading = (path: string) => answering(multipart(Buffer.alloc(0), { location: at(path) }));
  const sections = { timeouts: { federationTimeoutSeconds: 2 }, federation: { disallowedNetworks: ['127.0.0.0/8'] } };
  const played = await playOwner(t, sections);
  const { remote, service, dns } = played;
  dns.set('cdn.example', 'A', ['10.0.0.2']);
  remote.answer('/error', { status: 404, body: '<html>Not here' });
  remote.answer('/loop', { status: 302, headers: { location: '/loop' } });
  remote.answer('/inside', { status: 302, headers: { location: 'https://127.0.0.1:8448/secret' } });
  remote.answer('/plain', { status: 302, headers: { location: 'http://10.0.0.1:8448/plain' } });
  remote.answer('/packed', { headers: { 'content-encoding': 'gzip' }, body: 'abc' });
  remote.answer('/stall', () => undefined);
  remote.answer(
    '/short',
    raw((socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort')),
  );
  for (const [path, expected] of [
    ['/error', BAD_ANSWER],
    ['/loop', BAD_ANSWER],
    ['/inside', BAD_ANSWER],
    ['/plain', BAD_ANSWER],
    ['/packed', BAD_ANSWER],
    ['/stall', [504, 'M_UNKNOWN']],
    ['/short', BAD_ANSWER],
  ] as const) {
    await t.test(`Location that leads to ${path.slice(1)} is not served`, async () => {
      remote.answer(signedPathOf(path.slice(1)), leading(path));
      await assertNotServed(service.ask(downloadOf(path.slice(1))), expected);
    });
  }
  await assertGoesOn(played);
});

test('SEC-13: a name that leads inside when it is asked for again leads nowhere', async (t) => {
  const played = await playOwner(t);
  const { remote, service, dns, routes, start } = played;
  const cdn = await start('10.0.0.2 443', { names: ['cdn.example'] });
  cdn.answer('/a', { headers: { connection: 'close' }, body: 'outside' });
  dns.setInTurn('cdn.example', 'A', [['10.0.0.2'], ['127.0.0.1'], ['169.254.169.254']]);
  for (const mediaId of ['first', 'second', 'third']) {
    remote.answer(signedPathOf(mediaId), answering(multipart(Buffer.alloc(0), { location: 'https://cdn.example/a' })));
  }
  assert.equal((await bytesOf(await service.ask(downloadOf('first')))).toString(), 'outside');
  assert.deepEqual(await refusalOf(await service.ask(downloadOf('second'))), BAD_ANSWER);
  assert.deepEqual(await refusalOf(await service.ask(downloadOf('third'))), BAD_ANSWER);
  assert.ok(!routes.used.some((endpoint) => /^(127|169)\./.test(endpoint)), String(routes.used));
  await service.stop();
  assert.equal((await listObjects(service)).length, 1);
});

for (const [what, certified] of [
  ['another name', { names: ['other.example'] }],
  ['a time that is over', { names: [REMOTE], certificates: 'expired' }],
] as const) {
  test(`a server with a certificate for ${what} is told nothing, and gives nothing`, async (t) => {
    const played = await playOwner(t);
    const impostor = await played.start('10.0.0.3 8448', certified);
    played.dns.set(REMOTE, 'A', ['10.0.0.3']);
    impostor.answer(signedPathOf('abc'), answering(multipart(BYTES)));
    assert.deepEqual(await refusalOf(await played.service.ask(downloadOf('abc'))), BAD_ANSWER);
    assert.deepEqual(impostor.requests, []);
    assert.deepEqual(await listObjects(played.service), []);
  });
}

test('FED-23: ten thousand who ask at once for media that is missing cost one request', async (t) => {
  const CONNECTIONS = 400;
  const ON_EACH = 25;
  const { remote, service, asked } = await playOwner(t);
  const { promise: isAsked, resolve: tellAsked } = Promise.withResolvers<ServerResponse>();
  remote.answer(signedPathOf('abc'), (_request, response) => tellAsked(response));
  const before = process.memoryUsage().rss;
  const { port } = new URL(service.url);
  const lines = [`GET ${downloadOf('abc')} HTTP/1.1`, `Host: ${SERVER_NAME}`, `Authorization: Bearer ${TOKEN}`, '', ''];
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => openRawClient(t, Number(port))));
  await Promise.all(clients.map((client) => client.write(lines.join('\r\n').repeat(ON_EACH))));
  (await isAsked).writeHead(404, { 'content-type': 'application/json' }).end('{"errcode":"M_NOT_FOUND"}');
  await Promise.all(
    clients.map(async (client) => {
      for (let answer = 0; answer < ON_EACH; answer += 1) assert.equal((await client.readAnswer()).status, 404);
    }),
  );
  assert.deepEqual(asked(), [signedPathOf('abc')]);
  const moreMb = (process.memoryUsage().rss - before) / 1e6;
  t.diagnostic(`${moreMb.toFixed(0)} MB more`);
  assert.ok(moreMb < 400, `${moreMb} MB more, of which the clients have their part`);
});
