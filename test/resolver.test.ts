import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createResolver } from '../src/outbound/index.ts';
import { type FakeDns, startFakeDns } from './fake-dns.ts';

const never = new AbortController().signal;

function resolverOf(dns: FakeDns, hostsFile = '/dev/null') {
  return createResolver({ servers: [dns.server], hostsFile, timeoutMs: 5_000 });
}

async function writeHosts(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-hosts-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'hosts'), text);
  return join(folder, 'hosts');
}

test('a name has the addresses of both families', async () => {
  await using dns = await startFakeDns();
  dns.set('example.org', 'A', ['10.0.0.1']);
  dns.set('example.org', 'AAAA', ['fd00::1']);
  assert.deepEqual(await resolverOf(dns).findAddresses('example.org', never), ['fd00::1', '10.0.0.1']);
  assert.deepEqual(await resolverOf(dns).findAddresses('example.org.', never), ['fd00::1', '10.0.0.1']);
});

test('name servers that fail on one family do not hide the other one', async () => {
  await using dns = await startFakeDns();
  dns.set('example.org', 'A', ['10.0.0.1']);
  dns.suffer('example.org', 'failing', 'AAAA');
  assert.deepEqual(await resolverOf(dns).findAddresses('example.org', never), ['10.0.0.1']);
  dns.suffer('example.org', 'failing', 'A');
  await assert.rejects(resolverOf(dns).findAddresses('example.org', never), { trouble: 'lookup failed' });
});

test('the hosts file of the machine comes first, and a missing one is no trouble', async (t) => {
  await using dns = await startFakeDns();
  dns.set('example.org', 'A', ['10.0.0.1']);
  const hosts = await writeHosts(t, '10.0.0.9 example.org\nfd00::9 example.org\n');
  assert.deepEqual(await resolverOf(dns, hosts).findAddresses('Example.org', never), ['10.0.0.9', 'fd00::9']);
  assert.deepEqual(dns.questions, []);
  assert.deepEqual(await resolverOf(dns, `${hosts}.missing`).findAddresses('example.org', never), ['10.0.0.1']);
});

test('services are found with all that orders them, and a dot for "none" comes out empty', async () => {
  await using dns = await startFakeDns();
  dns.set('_matrix._tcp.example.org', 'SRV', ['10 5 8449 matrix.example.org', '20 0 0 .']);
  const records = await resolverOf(dns).findServices('_matrix._tcp.example.org', never);
  assert.deepEqual(
    records.toSorted((a, b) => a.priority - b.priority),
    [
      { target: 'matrix.example.org', port: 8449, priority: 10, weight: 5 },
      { target: '', port: 0, priority: 20, weight: 0 },
    ],
  );
  assert.deepEqual(await resolverOf(dns).findServices('_matrix._tcp.example.net', never), []);
});

test('name servers that fail are an error also where records may be missing', async () => {
  await using dns = await startFakeDns();
  dns.suffer('_matrix._tcp.example.org', 'refusing');
  await assert.rejects(resolverOf(dns).findServices('_matrix._tcp.example.org', never), { trouble: 'lookup failed' });
});

test('one who leaves does not wait for the name servers', async () => {
  await using dns = await startFakeDns();
  dns.suffer('example.org', 'silent');
  const leaving = new AbortController();
  const resolver = createResolver({ servers: [dns.server], hostsFile: '/dev/null', timeoutMs: 60_000 });
  const asked = resolver.findAddresses('example.org', leaving.signal);
  setImmediate(() => leaving.abort(new Error('gone')));
  await assert.rejects(asked, { message: 'gone' });
});
