import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { DatabaseRefused } from './errors.ts';
import { parseDsn } from './postgres-dsn.ts';

for (const [dsn, expected] of [
  ['postgres://', {}],
  ['postgresql://localhost', { host: 'localhost' }],
  [
    'postgres://user:pass@db.example.org:5433/media?sslmode=disable&connect_timeout=5',
    {
      user: 'user',
      password: 'pass',
      host: 'db.example.org',
      port: '5433',
      dbname: 'media',
      sslmode: 'disable',
      connect_timeout: '5',
    },
  ],
  ['postgres://us%40er:p%3Aa%2Fs%25s@h/d%20b', { user: 'us@er', password: 'p:a/s%s', host: 'h', dbname: 'd b' }],
  ['postgres://user:a@b:c@h/db', { user: 'user', password: 'a@b:c', host: 'h', dbname: 'db' }],
  ['postgres://user@[2001:db8::1]:5432/db', { user: 'user', host: '2001:db8::1', port: '5432', dbname: 'db' }],
  [
    'postgres://user:pass@/db?host=/run/postgresql',
    { user: 'user', password: 'pass', dbname: 'db', host: '/run/postgresql' },
  ],
  ['postgres:///db?host=%2Frun', { dbname: 'db', host: '/run' }],
  [
    'postgres://h/db?application_name=a+b&options=-c%20geqo%3Doff',
    { host: 'h', dbname: 'db', application_name: 'a b', options: '-c geqo=off' },
  ],
  ['postgres://%2Frun%2Fpostgresql/db', { host: '/run/postgresql', dbname: 'db' }],
  ['', {}],
  ['host=localhost dbname=media', { host: 'localhost', dbname: 'media' }],
  [`  user = 'a b'  password='it\\'s \\\\' port=1 `, { user: 'a b', password: "it's \\", port: '1' }],
  ["password=a\\ b\\'c dbname=x", { password: "a b'c", dbname: 'x' }],
  ['user=u password=', { user: 'u', password: '' }],
  ['password= a dbname=x', { password: 'a', dbname: 'x' }],
  ["password='' user=x", { password: '', user: 'x' }],
  ['password=a=b', { password: 'a=b' }],
  ['user=a\nhost=b', { user: 'a', host: 'b' }],
] as const) {
  test(`the connection string ${JSON.stringify(dsn)} is understood`, () => {
    assert.deepEqual(Object.fromEntries(parseDsn(dsn)), expected);
  });
}

for (const dsn of [
  'postgres://user:secret%zz@h/db',
  'postgres://user:secret@[::1/db',
  'postgres://user:secret@h:1:2/db',
  'mysql://user:secret@h/db',
  'secret',
  "password='secret",
  "password='sec'ret",
  'user=a secret',
]) {
  test(`the connection string ${JSON.stringify(dsn)} is refused without being repeated`, () => {
    assert.throws(
      () => parseDsn(dsn),
      (error) => error instanceof DatabaseRefused && !/sec/.test(error.message),
    );
  });
}

test('every value survives being quoted', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const quoted = value.replace(/[\\']/g, '\\$&');
      assert.equal(parseDsn(`user=x password='${quoted}' dbname=y`).get('password'), value);
    }),
  ));

test('every value survives a URL', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
      const dsn = `postgres://${encodeURIComponent(value)}:${encodeURIComponent(value)}@h/${encodeURIComponent(value)}`;
      const { user, password, dbname } = Object.fromEntries(parseDsn(dsn));
      assert.deepEqual([user, password, dbname], [value, value, value]);
    }),
  ));

test('whatever is given is understood or refused, soon', () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `postgres://${text}`),
      ),
      (dsn) => {
        try {
          parseDsn(dsn);
        } catch (error) {
          assert.ok(error instanceof DatabaseRefused);
        }
      },
    ),
  ));
