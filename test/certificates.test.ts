import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { type Certificate, makeAuthority } from './certificates.ts';

async function shakeHands(t: TestContext, certificate: Certificate, ca: string, servername: string): Promise<void> {
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (socket) => socket.end());
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ca, servername });
  try {
    await once(socket, 'secureConnect');
  } finally {
    socket.destroy();
  }
}

test('a certificate is good for its names, and for whoever trusts its authority', async (t) => {
  const authority = await makeAuthority();
  const certificate = await authority.issue(['example.org', 'www.example.org']);
  await shakeHands(t, certificate, authority.pem, 'example.org');
  await shakeHands(t, certificate, authority.pem, 'www.example.org');
});

test('a certificate is good for an address', async (t) => {
  const authority = await makeAuthority();
  await shakeHands(t, await authority.issue(['127.0.0.1']), authority.pem, '');
});

test('another name, another authority and the end of its time make a certificate worthless', async (t) => {
  const authority = await makeAuthority();
  const certificate = await authority.issue(['example.org']);
  await assert.rejects(shakeHands(t, certificate, authority.pem, 'example.net'), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  const other = await makeAuthority();
  await assert.rejects(shakeHands(t, certificate, other.pem, 'example.org'));
  const expired = await authority.issue(['example.org'], 'expired');
  await assert.rejects(shakeHands(t, expired, authority.pem, 'example.org'), { code: 'CERT_HAS_EXPIRED' });
});
