import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import { type FakeDns, startFakeDns } from './fake-dns.ts';

function ask(dns: FakeDns, timeout = 5_000): Resolver {
  const resolver = new Resolver({ timeout, tries: 1 });
  resolver.setServers([dns.server]);
  return resolver;
}

test('names have the addresses that the test gives them, in any case of letters', async () => {
  await using dns = await startFakeDns();
  dns.set('example.org', 'A', ['10.0.0.1', '10.0.0.2']);
  dns.set('example.org', 'AAAA', ['fd00::1']);
  assert.deepEqual((await ask(dns).resolve4('Example.ORG')).sort(), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(await ask(dns).resolve6('example.org'), ['fd00::1']);
  assert.equal(dns.questions.length, 2);
});

test('an alias is followed to its addresses', async () => {
  await using dns = await startFakeDns();
  dns.set('www.example.org', 'CNAME', ['example.org']);
  dns.set('example.org', 'A', ['10.0.0.1']);
  assert.deepEqual(await ask(dns).resolve4('www.example.org'), ['10.0.0.1']);
});

test('services have priority, weight, port and target', async () => {
  await using dns = await startFakeDns();
  dns.set('_matrix-fed._tcp.example.org', 'SRV', ['10 5 8449 matrix.example.org']);
  const records = await ask(dns).resolveSrv('_matrix-fed._tcp.example.org');
  assert.deepEqual(
    records.map(({ name, port, priority, weight }) => ({ name, port, priority, weight })),
    [{ name: 'matrix.example.org', port: 8449, priority: 10, weight: 5 }],
  );
});

test('a name that is not known, and one without records of the type, are told apart', async () => {
  await using dns = await startFakeDns();
  dns.set('example.org', 'A', ['10.0.0.1']);
  await assert.rejects(ask(dns).resolve4('example.net'), { code: 'ENOTFOUND' });
  await assert.rejects(ask(dns).resolve6('example.org'), { code: 'ENODATA' });
});

test('answers may change from question to question', async () => {
  await using dns = await startFakeDns();
  dns.setInTurn('example.org', 'A', [['10.0.0.1'], ['127.0.0.1']]);
  const answers = [];
  for (let i = 0; i < 3; i += 1) answers.push(...(await ask(dns).resolve4('example.org')));
  assert.deepEqual(answers, ['10.0.0.1', '127.0.0.1', '127.0.0.1']);
});

for (const [trouble, code] of [
  ['silent', 'ETIMEOUT'],
  ['failing', 'ESERVFAIL'],
  ['refusing', 'EREFUSED'],
] as const) {
  test(`a name server can be ${trouble}, until that ends`, async () => {
    await using dns = await startFakeDns();
    dns.set('example.org', 'A', ['10.0.0.1']);
    dns.suffer('example.org', trouble);
    await assert.rejects(ask(dns, trouble === 'silent' ? 100 : undefined).resolve4('example.org'), { code });
    dns.suffer('example.org', undefined);
    assert.deepEqual(await ask(dns).resolve4('example.org'), ['10.0.0.1']);
  });
}
