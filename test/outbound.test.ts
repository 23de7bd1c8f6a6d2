import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type OutboundTrouble, readBody, type TimeLimits } from '../src/outbound/index.ts';
import { startRawRemote } from './fake-remote.ts';
import { PATIENT, playInternet } from './played-internet.ts';

const never = new AbortController().signal;
const HTTPS = { protocols: ['https:'], maxRedirects: 5 } as const;
const ANY = { protocols: ['https:', 'http:'], maxRedirects: 5 } as const;
/** Short enough to be waited for, in milliseconds. */
const SHORT = { connectMs: 300, headersMs: 300, stallMs: 300, totalMs: 0 };

/** `example.org` at 10.0.0.1, with `/` that answers "hello". */
async function playExample(t: TestContext) {
  const internet = await playInternet(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await internet.start('10.0.0.1 443', { names: ['example.org'] });
  remote.answer('/', { body: 'hello', headers: { 'x-answer': 'yes' } });
  return { ...internet, remote };
}

/** A server without TLS at `example.org`, port 80, that does with its connections what the test says. */
async function playRaw(t: TestContext, behave: Parameters<typeof startRawRemote>[0]) {
  const internet = await playInternet(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await startRawRemote(behave);
  t.after(() => remote[Symbol.asyncDispose]());
  internet.routes.add('10.0.0.1 80', remote.port);
  return { ...internet, remote };
}

const failsWith = (trouble: OutboundTrouble) => ({ name: 'OutboundError', trouble });

test('an answer has status, headers and body, and connections are used again', async (t) => {
  const { open, remote } = await playExample(t);
  const outbound = open();
  for (let i = 0; i < 3; i += 1) {
    const { status, headers, body, url } = await outbound.get(new URL('https://example.org/?a=b'), HTTPS, never);
    assert.deepEqual([status, headers['x-answer'], await text(body)], [200, 'yes', 'hello']);
    assert.equal(url.href, 'https://example.org/?a=b');
    await setImmediate(); // the connection is free a moment after the body has ended
  }
  assert.equal(remote.connections(), 1);
  assert.equal(remote.requests[0]?.headers.host, 'example.org');
  assert.equal(remote.requests[0]?.serverName, 'example.org');
});

test('what is asked and what is connected to may differ, and the certificate is for what is asked', async (t) => {
  const { open, dns, start, routes } = await playExample(t);
  dns.set('machine7.example.net', 'A', ['10.0.0.7']);
  const machine = await start('10.0.0.7 8449', { names: ['example.org'] });
  const target = { protocol: 'https:', host: 'machine7.example.net', port: 8449, authority: 'example.org' } as const;
  const answer = await open().request(target, { path: '/path?x', headers: { 'x-asked': 'yes' } }, never);
  assert.equal(answer.status, 404);
  await text(answer.body);
  assert.deepEqual(routes.used, ['10.0.0.7 8449']);
  const [seen] = machine.requests;
  assert.deepEqual(
    [seen?.path, seen?.serverName, seen?.headers.host, seen?.headers['x-asked']],
    ['/path?x', 'example.org', 'example.org', 'yes'],
  );
});

test('an address is asked without a name in TLS, and needs a certificate for the address', async (t) => {
  const { open, start } = await playInternet(t);
  const remote = await start('10.0.0.9 443', { names: ['10.0.0.9'] });
  remote.answer('/', { body: 'hello' });
  const { body } = await open().get(new URL('https://10.0.0.9/'), HTTPS, never);
  assert.equal(await text(body), 'hello');
  assert.equal(remote.requests[0]?.serverName, '');
  await start('10.0.0.8 443', { names: ['10.0.0.9'] });
  await assert.rejects(open().get(new URL('https://10.0.0.8/'), HTTPS, never), failsWith('tls'));
});

test('DISC-18: an IPv6 address is asked as it is written in a URL', async (t) => {
  const { open, start, routes } = await playInternet(t);
  await start('fd00::9 443', { names: ['fd00::9'] });
  const { body } = await open().get(new URL('https://[fd00::9]/'), HTTPS, never);
  await text(body);
  assert.deepEqual(routes.used, ['fd00::9 443']);
});

test('DISC-18: a name with addresses of both families is reached by the one that works', async (t) => {
  const { open, dns, routes } = await playExample(t);
  dns.set('example.org', 'AAAA', ['fd00::1']);
  await text((await open().get(new URL('https://example.org/'), HTTPS, never)).body);
  assert.deepEqual(routes.used, ['fd00::1 443', '10.0.0.1 443']);
});

test('an alias is followed, and the certificate is for the name that was asked for', async (t) => {
  const { open, dns } = await playExample(t);
  dns.set('alias.example.org', 'CNAME', ['example.org']);
  await assert.rejects(open().get(new URL('https://alias.example.org/'), HTTPS, never), failsWith('tls'));
});

test('a connection that was closed while it lay idle costs nothing', async (t) => {
  let requests = 0;
  const { open, remote } = await playRaw(t, (socket) => {
    socket.once('data', () => {
      requests += 1;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      socket.once('data', () => socket.destroy()); // the next request meets a closed door
    });
  });
  const outbound = open();
  for (let i = 0; i < 2; i += 1) {
    assert.equal(await text((await outbound.get(new URL('http://example.org/'), ANY, never)).body), 'ok');
  }
  assert.deepEqual([requests, remote.connections()], [2, 2]);
});

test('no more than so many connections are opened to one place', async (t) => {
  const { open, remote } = await playExample(t);
  const waiting: (() => void)[] = [];
  const gathered = Promise.withResolvers<void>();
  remote.answer('/wait', (_request, response) => {
    waiting.push(() => response.end('done'));
    if (waiting.length === 2) gathered.resolve();
  });
  const outbound = open({ maxConnections: 2 });
  const asked = Array.from({ length: 6 }, async () => {
    return await text((await outbound.get(new URL('https://example.org/wait'), HTTPS, never)).body);
  });
  await gathered.promise;
  remote.answer('/wait', { body: 'done' });
  for (const end of waiting) end();
  assert.deepEqual(await Promise.all(asked), Array(6).fill('done'));
  assert.equal(remote.connections(), 2);
});

// Where connections may lead.

for (const [what, host, records] of [
  ['a name of this machine', 'inside.example.org', { A: ['127.0.0.1'] }],
  ['a name of the cloud metadata service', 'inside.example.org', { A: ['169.254.169.254'] }],
  ['a name with a local IPv6 address', 'inside.example.org', { AAAA: ['::1'] }],
  ['a name with a loopback address inside of IPv6', 'inside.example.org', { AAAA: ['::ffff:127.0.0.1'] }],
  ['a name that DNS64 leads inside', 'inside.example.org', { AAAA: ['64:ff9b::a9fe:a9fe'] }],
  ['a name whose addresses are all inside', 'inside.example.org', { A: ['127.0.0.1', '127.0.0.2'], AAAA: ['fe80::1'] }],
  ['localhost', 'localhost', {}],
  ['a name below localhost', 'a.localhost', {}],
  ['the loopback address', '127.0.0.1', {}],
  ['the unspecified address', '0.0.0.0', {}],
  ['a short loopback address', '127.1', {}],
  ['a decimal loopback address', '2130706433', {}],
  ['an octal loopback address', '0177.0.0.1', {}],
  ['a hexadecimal loopback address', '0x7f000001', {}],
  ['the IPv6 loopback address', '[::1]', {}],
  ['a loopback address inside of IPv6', '[::ffff:7f00:1]', {}],
  ['a loopback address inside of 6to4', '[2002:7f00:1::]', {}],
] as const) {
  test(`${what} is not connected to`, async (t) => {
    const { open, dns, routes } = await playInternet(t);
    for (const [type, values] of Object.entries(records)) dns.set(host, type as 'A' | 'AAAA', values);
    await assert.rejects(open().get(new URL(`http://${host}/`), ANY, never), failsWith('forbidden address'));
    assert.deepEqual(routes.used, []);
  });
}

for (const host of ['127.1', '2130706433', '0x7f.1', '1.2.3.4.5', '8.8.8']) {
  test(`"${host}" is nowhere: programs differ in which address that is`, async (t) => {
    const { open, routes, dns } = await playInternet(t);
    const target = { protocol: 'http:', host, port: 80, authority: host } as const;
    await assert.rejects(open().request(target, { path: '/' }, never), failsWith('name not found'));
    assert.deepEqual([routes.used, dns.questions], [[], []]);
  });
}

test('of a name with good and bad addresses only the good ones are tried', async (t) => {
  const { open, dns, routes } = await playExample(t);
  dns.set('example.org', 'A', ['127.0.0.1', '10.0.0.1', '169.254.169.254']);
  await text((await open().get(new URL('https://example.org/'), HTTPS, never)).body);
  assert.deepEqual(routes.used, ['10.0.0.1 443']);
});

test('DISC-19: a name that changes its address behind the check changes nothing: there is one lookup', async (t) => {
  const { open, dns, routes } = await playExample(t);
  dns.setInTurn('example.org', 'A', [['10.0.0.1'], ['127.0.0.1']]);
  const outbound = open();
  await text((await outbound.get(new URL('https://example.org/'), HTTPS, never)).body);
  assert.deepEqual(routes.used, ['10.0.0.1 443']);
  assert.equal(dns.questions.filter((question) => question.startsWith('A ')).length, 1);
  await assert.rejects(open().get(new URL('https://example.org/'), HTTPS, never), failsWith('forbidden address'));
});

test('with allowed networks nothing else is connected to', async (t) => {
  const { open, dns } = await playExample(t);
  dns.set('other.example.org', 'A', ['10.9.0.1']);
  const outbound = open({ networks: { allowed: ['10.0.0.0/16'], disallowed: [] } });
  await text((await outbound.get(new URL('https://example.org/'), HTTPS, never)).body);
  const other = new URL('https://other.example.org/');
  await assert.rejects(outbound.get(other, HTTPS, never), failsWith('forbidden address'));
});

// Redirects.

test('redirects are followed, to other servers and to relative places', async (t) => {
  const { open, dns, start, remote } = await playExample(t);
  dns.set('example.net', 'A', ['10.0.0.2']);
  const other = await start('10.0.0.2 8443', { names: ['example.net'] });
  remote.answer('/start', { status: 302, headers: { location: 'next?a=b' } });
  remote.answer('/next', { status: 308, headers: { location: 'https://example.net:8443/end' } });
  other.answer('/end', { body: 'there' });
  const { body, url } = await open().get(new URL('https://example.org/start'), HTTPS, never);
  assert.equal(await text(body), 'there');
  assert.equal(url.href, 'https://example.net:8443/end');
  assert.equal(remote.requests[1]?.path, '/next?a=b');
});

test('another origin gets no credentials, and neither does the first one when a redirect leads back', async (t) => {
  const { open, dns, start, remote } = await playExample(t);
  dns.set('example.net', 'A', ['10.0.0.2']);
  const other = await start('10.0.0.2 443', { names: ['example.net'] });
  remote.answer('/start', { status: 302, headers: { location: '/same' } });
  remote.answer('/same', { status: 302, headers: { location: 'https://example.net/other' } });
  other.answer('/other', { status: 302, headers: { location: 'https://example.org/' } });
  const headers = { Authorization: 'secret', cookie: 'a=b', 'user-agent': 'vitrine' };
  await text((await open().get(new URL('https://example.org/start'), { ...HTTPS, headers }, never)).body);
  const seen = [...remote.requests, ...other.requests].map(({ path, headers: { authorization, cookie } }) => {
    return [path, authorization, cookie];
  });
  assert.deepEqual(seen, [
    ['/start', 'secret', 'a=b'],
    ['/same', 'secret', 'a=b'],
    ['/', undefined, undefined],
    ['/other', undefined, undefined],
  ]);
  assert.equal(other.requests[0]?.headers['user-agent'], 'vitrine');
});

for (const [what, location, trouble] of [
  ['to this machine', 'https://127.0.0.1/', 'forbidden address'],
  ['to this machine by name', 'https://localhost/', 'forbidden address'],
  ['to the cloud metadata service', 'http://169.254.169.254/latest/meta-data/', 'forbidden address'],
  ['to a decimal address of this machine', 'http://2130706433/', 'forbidden address'],
  ['to another scheme', 'file:///etc/passwd', 'bad redirect'],
  ['to no URL', 'https://:::/', 'bad redirect'],
  ['to itself', '/redirect', 'bad redirect'],
] as const) {
  test(`a redirect ${what} is not followed`, async (t) => {
    const { open, remote, routes } = await playExample(t);
    remote.answer('/redirect', { status: 301, headers: { location } });
    await assert.rejects(open().get(new URL('https://example.org/redirect'), ANY, never), failsWith(trouble));
    assert.deepEqual(new Set(routes.used), new Set(['10.0.0.1 443']));
    assert.ok(remote.requests.length <= 6);
  });
}

test('a redirect away from https is not followed where only that is allowed', async (t) => {
  const { open, remote } = await playExample(t);
  remote.answer('/redirect', { status: 301, headers: { location: 'http://example.org/' } });
  await assert.rejects(open().get(new URL('https://example.org/redirect'), HTTPS, never), failsWith('bad redirect'));
});

// What goes wrong, kind by kind.

test('a name that is not there, name servers that fail, and silent ones are told apart', async (t) => {
  const { open, dns } = await playInternet(t);
  dns.set('mail.example.org', 'SRV', []);
  dns.suffer('failing.example.org', 'failing');
  dns.suffer('silent.example.org', 'silent');
  const ask = (host: string, limits: TimeLimits = PATIENT) =>
    open({ limits }).get(new URL(`https://${host}/`), HTTPS, never);
  await assert.rejects(ask('nowhere.example.org'), failsWith('name not found'));
  await assert.rejects(ask('mail.example.org'), failsWith('name not found'));
  await assert.rejects(ask('failing.example.org'), failsWith('lookup failed'));
  await assert.rejects(ask('silent.example.org', SHORT), failsWith('timeout'));
});

test('a port where nobody listens is "refused"', async (t) => {
  const { open } = await playExample(t);
  await assert.rejects(open().get(new URL('https://example.org:444/'), HTTPS, never), failsWith('refused'));
});

test('DISC-16, DISC-17: certificates for other names, of unknown authorities, out of date, and no TLS at all are "tls"', async (t) => {
  const { open, dns, start, remote } = await playExample(t);
  dns.set('example.net', 'A', ['10.0.0.1']);
  dns.set('old.example.org', 'A', ['10.0.0.3']);
  dns.set('plain.example.org', 'A', ['10.0.0.4']);
  await start('10.0.0.3 443', { names: ['old.example.org'], certificates: 'expired' });
  await start('10.0.0.4 443', { authority: undefined });
  for (const host of ['example.net', 'old.example.org', 'plain.example.org']) {
    await assert.rejects(open().get(new URL(`https://${host}/`), HTTPS, never), failsWith('tls'));
  }
  const distrusting = open({ certificates: {} });
  await assert.rejects(distrusting.get(new URL('https://example.org/'), HTTPS, never), failsWith('tls'));
  assert.deepEqual(remote.requests, [], 'nobody is told anything before the certificate is known to be good');
});

test('certificates are not looked at where that is switched off', async (t) => {
  const { open } = await playExample(t);
  const trusting = open({ certificates: { areChecked: false } });
  assert.equal((await trusting.get(new URL('https://example.org/'), HTTPS, never)).status, 200);
});

// Those who take their time, or too much of it.

test('a server that takes the connection and says nothing to TLS is left at the limit for connecting', async (t) => {
  const { open, dns, routes } = await playInternet(t);
  dns.set('example.org', 'A', ['10.0.0.1']);
  const remote = await startRawRemote((socket) => socket.resume());
  t.after(() => remote[Symbol.asyncDispose]());
  routes.add('10.0.0.1 443', remote.port);
  await assert.rejects(
    open({ limits: { ...PATIENT, connectMs: 300 } }).get(new URL('https://example.org/'), HTTPS, never),
    failsWith('timeout'),
  );
});

test('a server that takes the request and says nothing is left at the limit for headers', async (t) => {
  const { open } = await playRaw(t, (socket) => socket.resume());
  await assert.rejects(
    open({ limits: { ...PATIENT, headersMs: 300 } }).get(new URL('http://example.org/'), ANY, never),
    failsWith('timeout'),
  );
});

test('headers that trickle in do not make the limit longer', async (t) => {
  const { open } = await playRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('X-A: b\r\n'), 20);
    socket.once('close', () => clearInterval(timer));
  });
  await assert.rejects(open({ limits: SHORT }).get(new URL('http://example.org/'), ANY, never), failsWith('timeout'));
});

test('interim answers without end do not make the limit longer', async (t) => {
  const { open } = await playRaw(t, (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'), 20);
    socket.once('close', () => clearInterval(timer));
    socket.resume();
  });
  await assert.rejects(open({ limits: SHORT }).get(new URL('http://example.org/'), ANY, never), failsWith('timeout'));
});

test('a body that stops is left at the limit for stalls', async (t) => {
  const { open } = await playRaw(t, (socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
  });
  const { body } = await open({ limits: { ...PATIENT, stallMs: 300 } }).get(new URL('http://example.org/'), ANY, never);
  await assert.rejects(text(body), failsWith('timeout'));
});

test('a body that trickles in is left at the limit for the whole', async (t) => {
  const { open } = await playRaw(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
      const timer = setInterval(() => socket.write('a'), 20);
      socket.once('close', () => clearInterval(timer));
    });
  });
  const outbound = open({ limits: { ...PATIENT, totalMs: 500 } });
  const read = async () => text((await outbound.get(new URL('http://example.org/'), ANY, never)).body);
  await assert.rejects(read(), failsWith('timeout'));
});

test('the limit for the whole counts all redirects together', async (t) => {
  const { open, remote } = await playExample(t);
  remote.answer('/redirect', (_request, response) => {
    setTimeout(() => response.writeHead(302, { location: '/redirect' }).end(), 50);
  });
  const limits = { ...PATIENT, totalMs: 400 };
  const call = { ...HTTPS, maxRedirects: 1_000 };
  await assert.rejects(
    open({ limits }).get(new URL('https://example.org/redirect'), call, never),
    failsWith('timeout'),
  );
});

test('a call may have limits of its own', async (t) => {
  const { open } = await playRaw(t, (socket) => socket.resume());
  const call = { ...ANY, limits: { totalMs: 200 } };
  await assert.rejects(open().get(new URL('http://example.org/'), call, never), failsWith('timeout'));
});

test('a body that nobody reads for a while is not given up, while one that stalls is', async (t) => {
  const { open, remote } = await playExample(t);
  const bytes = 4_000_000;
  remote.answer('/large', { body: 'x'.repeat(bytes) });
  remote.answer('/stalled', (_request, response) => response.writeHead(200, { 'content-length': 9 }).write('half'));
  const outbound = open({ limits: { ...PATIENT, stallMs: 300 } });
  const large = await outbound.get(new URL('https://example.org/large'), HTTPS, never);
  const stalled = await outbound.get(new URL('https://example.org/stalled'), HTTPS, never);
  await assert.rejects(text(stalled.body), failsWith('timeout'));
  assert.equal((await text(large.body)).length, bytes);
});

test('headers without end are "protocol"', async (t) => {
  const { open } = await playRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = () => {
      while (!socket.destroyed && socket.write(`X-${'a'.repeat(1_000)}: b\r\n`));
    };
    socket.on('drain', more);
    more();
  });
  await assert.rejects(open().get(new URL('http://example.org/'), ANY, never), failsWith('protocol'));
});

for (const [what, bytes] of [
  ['bytes that are not HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['a status that is none', 'HTTP/1.1 9999 What\r\n\r\n'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n'],
  ['a switch to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
] as const) {
  test(`${what} are "protocol"`, async (t) => {
    const { open } = await playRaw(t, (socket) => socket.once('data', () => socket.write(bytes)));
    await assert.rejects(open().get(new URL('http://example.org/'), ANY, never), failsWith('protocol'));
  });
}

test('a server that hangs up instead of answering is asked once more, then it is "broken off"', async (t) => {
  const { open, remote } = await playRaw(t, (socket) => socket.once('data', () => socket.destroy()));
  await assert.rejects(open().get(new URL('http://example.org/'), ANY, never), failsWith('broken off'));
  assert.equal(remote.connections(), 2);
});

for (const [what, head] of [
  ['with a length', 'Content-Length: 100'],
  ['in chunks', 'Transfer-Encoding: chunked'],
] as const) {
  test(`a body ${what} that ends early fails, and is never taken for a whole one`, async (t) => {
    const { open } = await playRaw(t, (socket) => {
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n4\r\nhalf\r\n`));
    });
    const { body } = await open().get(new URL('http://example.org/'), ANY, never);
    await assert.rejects(text(body), failsWith('broken off'));
  });
}

// Whoever leaves, and whoever wants little.

test('one who leaves gets the own reason, before the answer and in the body, and the connection is closed', async (t) => {
  const closed: Promise<unknown>[] = [];
  const asked = Promise.withResolvers<void>();
  const { open } = await playRaw(t, (socket) => {
    closed.push(once(socket, 'close'));
    socket.once('data', (data) => {
      if (String(data).startsWith('GET /half')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      else asked.resolve();
    });
  });
  const outbound = open();
  const leaving = new AbortController();
  const waiting = outbound.get(new URL('http://example.org/silent'), ANY, leaving.signal);
  const { body } = await outbound.get(new URL('http://example.org/half'), ANY, leaving.signal);
  await asked.promise;
  const reading = text(body);
  leaving.abort(new Error('gone'));
  await assert.rejects(waiting, { message: 'gone' });
  await assert.rejects(reading, { message: 'gone' });
  await Promise.all(closed);
  await assert.rejects(outbound.get(new URL('http://example.org/'), ANY, leaving.signal), { message: 'gone' });
  assert.equal(closed.length, 2, 'whoever has left before asks nothing');
});

test('a body that nobody wants can be thrown away', async (t) => {
  const { open, remote } = await playExample(t);
  remote.answer('/large', { body: 'x'.repeat(4_000_000) });
  const { body } = await open().get(new URL('https://example.org/large'), HTTPS, never);
  const closed = new Promise((resolve) => body.once('close', resolve));
  body.destroy();
  await closed;
});

test('a small body is read whole, and a larger one than expected is refused, announced or not', async (t) => {
  const { open, remote } = await playExample(t);
  const outbound = open();
  const ask = (path: string) => outbound.get(new URL(`https://example.org${path}`), HTTPS, never);
  assert.equal(String(await readBody(await ask('/'), 5)), 'hello');
  await assert.rejects(readBody(await ask('/'), 4), failsWith('too large'));
  remote.answer('/endless', (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
    };
    response.on('drain', more);
    more();
  });
  await assert.rejects(readBody(await ask('/endless'), 50_000), failsWith('too large'));
});

test('closing ends what is under way', async (t) => {
  const { open } = await playRaw(t, (socket) => socket.resume());
  const outbound = open() as ReturnType<typeof open> & AsyncDisposable;
  const asked = outbound.get(new URL('http://example.org/'), ANY, never);
  asked.catch(() => undefined);
  await outbound[Symbol.asyncDispose]();
  await assert.rejects(asked, failsWith('broken off'));
});
