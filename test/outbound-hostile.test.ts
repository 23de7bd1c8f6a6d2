import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutboundError } from '../src/outbound/index.ts';
import { startRawRemote } from './fake-remote.ts';
import { playInternet } from './played-internet.ts';

const never = new AbortController().signal;

/** Pieces of HTTP, in an order that makes sense by chance only. */
const pieces = fc.oneof(
  fc.constantFrom(
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.0 200 OK\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    'HTTP/1.1 302 Found\r\n',
    'HTTP/1.1 304 Not Modified\r\n',
    'Location: /elsewhere\r\n',
    'Location: \u0000\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Content-Length: -1\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Keep-Alive: timeout=99999999999\r\n',
    'X: y\r\n z\r\n',
    ': no name\r\n',
    '\r\n',
    '\r\n',
    '5\r\nhello\r\n',
    'FFFFFFFFFFFFFFFFF\r\n',
    '0\r\n\r\n',
    'hello',
    'PRI * HTTP/2.0\r\n\r\n',
  ),
  fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

test('whatever a server sends, there is an answer or a failure of a known kind, and the next request is not touched', async (t) => {
  const internet = await playInternet(t);
  internet.dns.set('example.org', 'A', ['10.0.0.1']);
  internet.dns.set('good.example.org', 'A', ['10.0.0.2']);
  let sent = '';
  const remote = await startRawRemote((socket) => socket.once('data', () => socket.end(sent, 'latin1')));
  t.after(() => remote[Symbol.asyncDispose]());
  internet.routes.add('10.0.0.1 80', remote.port);
  const good = await internet.start('10.0.0.2 80', { authority: undefined });
  good.answer('/', { body: 'good' });
  const outbound = internet.open();
  const call = { protocols: ['http:'], maxRedirects: 2 } as const;
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (parts) => {
      sent = parts.join('');
      try {
        const { status, body } = await outbound.get(new URL('http://example.org/'), call, never);
        assert.ok(status >= 200 && status <= 999);
        await text(body);
      } catch (error) {
        assert.ok(error instanceof OutboundError, String(error));
      }
      const { body } = await outbound.get(new URL('http://good.example.org/'), call, never);
      assert.equal(await text(body), 'good');
    }),
    { numRuns: 300 },
  );
});
