import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:https';
import { connect } from 'node:net';
import { test } from 'node:test';
import { makeAuthority } from './certificates.ts';
import { createRoutes, type FakeRemote, startFakeRemote, startRawRemote } from './fake-remote.ts';

async function ask(remote: FakeRemote, ca: string, servername: string, path: string) {
  const headers = { host: servername };
  const asked = get({ host: '127.0.0.1', port: remote.port, path, ca, servername, headers, agent: false });
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

test('each name has a certificate and may have answers of its own', async () => {
  const authority = await makeAuthority();
  await using remote = await startFakeRemote({ authority, names: ['example.org', 'example.net'] });
  remote.answer('/who', { body: { name: 'all' } });
  remote.answer('https://example.net/who', { status: 201, body: 'net' });
  assert.deepEqual(await ask(remote, authority.pem, 'example.org', '/who?x=1'), {
    status: 200,
    text: '{"name":"all"}',
  });
  assert.deepEqual(await ask(remote, authority.pem, 'example.net', '/who'), { status: 201, text: 'net' });
  assert.equal((await ask(remote, authority.pem, 'example.org', '/elsewhere')).status, 404);
  await assert.rejects(ask(remote, authority.pem, 'example.com', '/who'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  assert.deepEqual(
    remote.requests.map(({ path, serverName }) => `${serverName} ${path}`),
    ['example.org /who?x=1', 'example.net /who', 'example.org /elsewhere'],
  );
  assert.equal(remote.connections(), 4);
});

test('certificates may have run out', async () => {
  const authority = await makeAuthority();
  await using remote = await startFakeRemote({ authority, names: ['example.org'], certificates: 'expired' });
  await assert.rejects(ask(remote, authority.pem, 'example.org', '/'), { code: 'CERT_HAS_EXPIRED' });
});

test('a raw remote does as it is told', async () => {
  await using remote = await startRawRemote((socket) => socket.end('hello'));
  const [data] = await once(connect(remote.port, '127.0.0.1'), 'data');
  assert.equal(String(data), 'hello');
  assert.equal(remote.connections(), 1);
});

test('routes lead where they are told, and nowhere else', async () => {
  const routes = createRoutes({ '10.0.0.1 443': 4430 });
  routes.add('fd00::1 8448', 8448);
  assert.equal(routes.route({ address: '10.0.0.1', port: 443 }).port, 4430);
  assert.equal(routes.route({ address: 'fd00::1', port: 8448 }).port, 8448);
  const { address, port } = routes.route({ address: '10.0.0.1', port: 80 });
  const [error] = await once(connect(port, address), 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  assert.deepEqual(routes.used, ['10.0.0.1 443', 'fd00::1 8448', '10.0.0.1 80']);
});
