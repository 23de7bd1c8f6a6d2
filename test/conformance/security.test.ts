import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startWithUsers } from '../client.ts';
import { openRawClient } from '../raw-client.ts';
import { SERVER_NAME } from '../service.ts';

const TRAVERSALS = [
  '127.0.0.1/../../../some_service/etc/passwd',
  'example.org/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  'example.org/..%2f..%2fetc%2fpasswd',
  'example.org/%252e%252e%252fetc',
  'example.org/..%5c..%5cetc',
  'example.org/%c0%ae%c0%ae%c0%af',
  'example.org/a%00b',
  'example.org/%0d%0aX-Evil:%201',
  '..%2f..%2f/abc',
  '%2e%2e/abc',
  'ex%20ample.org/abc',
  'user@example.org/abc',
  'example.org:123456/abc',
  '1.2.3.400/abc',
  '[::1/abc',
  'a_b.example/abc',
];

test('D-8, MXC-4, MXC-5, MXC-6, MXC-7, MXC-10, MXC-11, MXC-12, SEC-1, SEC-2, SEC-3: no path leads out of its place, whatever it is written in', async (t) => {
  const { url, homeserver } = await startWithUsers(t);
  const token = homeserver.addUser('alice');
  for (const path of TRAVERSALS) {
    for (const prefix of [
      '/_matrix/client/v1/media/download',
      '/_matrix/media/v3/download',
      '/_matrix/media/v3/upload',
    ]) {
      const method = prefix.endsWith('upload') ? 'PUT' : 'GET';
      const client = await openRawClient(t, Number(new URL(url).port));
      await client.write(
        `${method} ${prefix}/${path} HTTP/1.1\r\nHost: ${SERVER_NAME}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
      );
      const answer = await client.readAnswer();
      assert.ok(answer.status === 400 || answer.status === 404, `${path}: ${answer.status}`);
      assert.equal(typeof JSON.parse(answer.body.toString()).errcode, 'string');
      assert.doesNotMatch(answer.body.toString(), /root:|node_modules|\/tmp\//);
      client.socket.destroy();
    }
  }
});

test('MXC-8, MXC-9, MXC-13: names are compared exactly, and users may have historical names', async (t) => {
  const { ask, homeserver } = await startWithUsers(t);
  homeserver.answer('historical', { status: 200, body: { user_id: `@Ünï cødé/=+:${SERVER_NAME}` } });
  const headers = { authorization: 'Bearer historical' };
  const answer = await ask('/_matrix/media/v3/upload', { method: 'POST', body: 'hello', headers });
  const { content_uri } = (await answer.json()) as { content_uri: string };
  const mediaId = content_uri.split('/').at(-1);
  assert.equal((await ask(`/_matrix/client/v1/media/download/example.org/${mediaId}`, { headers })).status, 200);
  assert.equal((await ask(`/_matrix/client/v1/media/download/EXAMPLE.org/${mediaId}`, { headers })).status, 404);
});

test('C-6: no error tells of the inside', async (t) => {
  const { askAs, homeserver } = await startWithUsers(t);
  homeserver.suffer('bad gateway');
  const answer = await askAs('alice', '/_matrix/client/v1/media/config');
  const text = await answer.text();
  assert.deepEqual(Object.keys(JSON.parse(text) as object).sort(), ['errcode', 'error', 'mr_errcode']);
  assert.doesNotMatch(text, /127\.0\.0\.1|node:|undici|<html|\.ts/);
});
