import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { DatabaseRefused } from './errors.ts';
import { makeClientConfig } from './postgres-config.ts';

test('what nobody says is as lib/pq has it', () => {
  const config = makeClientConfig('user=media', {});
  assert.equal(config.host, 'localhost');
  assert.equal(config.port, 5432);
  assert.equal(config.database, 'media');
  assert.deepEqual(config.ssl, { rejectUnauthorized: false }); // sslmode=require
  assert.equal(config.options, undefined);
});

test('the environment fills what the connection string leaves open, and does not override it', () => {
  const env = {
    PGHOST: 'from-env',
    PGPORT: '6000',
    PGUSER: 'from-env',
    PGPASSWORD: 'hidden',
    PGDATABASE: 'from-env',
    PGSSLMODE: 'disable',
    PGAPPNAME: 'from-env',
    PGCONNECT_TIMEOUT: '3',
    PGTZ: 'UTC',
    PGOPTIONS: '-c geqo=off',
  };
  const config = makeClientConfig('host=db.example.org dbname=media', env);
  assert.equal(config.host, 'db.example.org');
  assert.equal(config.database, 'media');
  assert.equal(config.port, 6000);
  assert.equal(config.user, 'from-env');
  assert.equal(config.password, 'hidden');
  assert.equal(config.ssl, false);
  assert.equal(config.application_name, 'from-env');
  assert.equal(config.connectionTimeoutMillis, 3_000);
  assert.equal(config.options, '-c geqo=off -c timezone=UTC');
});

test('settings that are not for the driver go to the server, with spaces and backslashes kept', () => {
  const config = makeClientConfig(
    "host=h user=u binary_parameters=yes statement_timeout=5s search_path='a, b' odd='x\\\\y'",
    {},
  );
  assert.equal(config.options, '-c statement_timeout=5s -c search_path=a,\\ b -c odd=x\\\\y');
});

test('every wait for a connection ends', () => {
  assert.equal(makeClientConfig('user=u', {}).connectionTimeoutMillis, 10_000);
  assert.equal(makeClientConfig('user=u connect_timeout=0', {}).connectionTimeoutMillis, 10_000);
  assert.equal(makeClientConfig('user=u connect_timeout=2', {}).connectionTimeoutMillis, 2_000);
});

test('sslmode means what it means to lib/pq', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-dsn-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'root.crt');
  await writeFile(file, 'a certificate');
  const tls = (dsn: string) => makeClientConfig(`host=h user=u ${dsn}`, {}).ssl;

  assert.equal(tls('sslmode=disable'), false);
  assert.deepEqual(tls('sslmode=require'), { rejectUnauthorized: false });
  assert.deepEqual(tls(`sslmode=require sslrootcert=${file}.gone`), { rejectUnauthorized: false });
  assert.deepEqual(tls('sslmode=verify-full'), {});
  assert.deepEqual(tls(`sslmode=verify-full sslrootcert=${file}`), { ca: Buffer.from('a certificate') });
  for (const mode of ['require', 'verify-ca']) {
    const checked = tls(`sslmode=${mode} sslrootcert=${file}`);
    assert.ok(typeof checked === 'object');
    assert.deepEqual(checked.ca, Buffer.from('a certificate'));
    assert.equal(checked.rejectUnauthorized, undefined);
    assert.equal(checked.checkServerIdentity?.('other.example.org', {} as never), undefined); // any host
  }
  assert.deepEqual(tls(`sslmode=verify-full sslcert=${file} sslkey=${file}`), {
    cert: Buffer.from('a certificate'),
    key: Buffer.from('a certificate'),
  });
  assert.deepEqual(tls('sslmode=verify-full sslinline=true sslcert=CERT sslkey=KEY'), { cert: 'CERT', key: 'KEY' });
  assert.equal(makeClientConfig('host=/run/postgresql user=u sslmode=require', {}).ssl, false);
});

for (const [dsn, message] of [
  ['user=u sslmode=prefer', /disable, require, verify-ca or verify-full, not "prefer"/],
  ['user=u port=x', /port in database\.postgres is not a number from 1 to 65535/],
  ['user=u port=70000', /port/],
  ['user=u connect_timeout=soon', /whole number of seconds/],
  ['user=u sslmode=verify-ca sslrootcert=/nowhere/root.crt', /sslrootcert.*\/nowhere\/root\.crt/],
] as const) {
  test(`"${dsn}" is refused with a reason`, () => {
    assert.throws(
      () => makeClientConfig(dsn, {}),
      (error) => error instanceof DatabaseRefused && message.test(error.message),
    );
  });
}

test('large whole numbers and sums come as numbers, other types as the driver has them', () => {
  const parser = (oid: number) => makeClientConfig('user=u', {}).types?.getTypeParser(oid, 'text');
  assert.equal(parser(20)?.('9007199254740991'), Number.MAX_SAFE_INTEGER);
  assert.equal(parser(1700)?.('10'), 10);
  assert.equal(parser(16)?.('t'), true);
});
