import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { nameCommands, runCommand } from '../src/commands/index.ts';
import { formatKeyFile, generateSigningKey } from '../src/federation/index.ts';
import { runSql } from './database/describe-schema.ts';
import { openServiceDatabase } from './database/open.ts';
import { startFakeHomeserver } from './fake-homeserver.ts';
import { usePostgres } from './postgres.ts';
import { skipWithoutRedis, startRedis } from './redis.ts';
import { startS3Server } from './s3-server.ts';
import {
  type ConfigSections,
  ENGINES,
  type Engine,
  listObjects,
  makeServiceFolder,
  SERVER_NAME,
  type ServiceFolder,
  startServiceIn,
  uploadBytes,
} from './service.ts';

const postgres = await usePostgres();

interface Told {
  readonly part: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly advice?: string;
}

/** What the doctor says. @param searchPath of programs */
async function examine({ path, configPath }: Pick<ServiceFolder, 'path' | 'configPath'>, searchPath = '') {
  let stdout = '';
  const io = {
    stdout: (text: string) => {
      stdout += text;
    },
    stderr: (text: string) => assert.fail(text),
    isTerminal: false,
    env: { PATH: searchPath },
    cwd: path,
  };
  const commands = nameCommands(() => assert.fail('The doctor starts no service'));
  const code = await runCommand(commands, ['doctor', '--json', '--config', configPath], io, '1.2.3');
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
  for (const { state, advice } of told) assert.equal(state === 'ok', advice === undefined, 'advice belongs to trouble');
  const of = (part: string) => told.filter((one) => one.part === part);
  return { code, told, of };
}

/** A folder in which all is well. */
async function makeHealthy(t: TestContext, engine: Engine, sections: ConfigSections = {}): Promise<ServiceFolder> {
  const homeserver = await startFakeHomeserver();
  t.after(() => homeserver[Symbol.asyncDispose]());
  const folder = await makeServiceFolder(t, engine, sections);
  const signingKeyPath = join(folder.path, 'signing.key');
  await writeFile(signingKeyPath, formatKeyFile('mmr', [generateSigningKey()]));
  await change(folder, { homeservers: [{ name: SERVER_NAME, csApi: homeserver.url, signingKeyPath }] });
  return folder;
}

async function change({ configPath }: ServiceFolder, sections: ConfigSections): Promise<void> {
  const config = parse(await readFile(configPath, 'utf8')) as object;
  await writeFile(configPath, stringify({ ...config, ...sections }));
}

for (const engine of ENGINES) {
  test(`on ${engine.name}: where all is well, the doctor says so, beside a running service and before the first start`, {
    skip: engine.skip,
  }, async (t) => {
    const folder = await makeHealthy(t, engine);
    const before = await examine(folder);
    assert.deepEqual(
      before.told.filter(({ state }) => state === 'problem'),
      [],
    );
    assert.equal(before.code, 0);
    assert.match(before.of('database')[0]?.found ?? '', /: empty; the next start makes its tables/);
    const service = await startServiceIn(t, folder);
    await uploadBytes(service.ask, Buffer.from('content'));
    const beside = await examine(folder);
    assert.equal(beside.code, 0, JSON.stringify(beside.told));
    assert.match(beside.of('database')[0]?.found ?? '', /: tables up to date/);
    assert.equal(beside.of('datastore main')[0]?.state, 'ok');
    assert.equal(beside.of(`homeserver ${SERVER_NAME}`)[0]?.state, 'ok');
    assert.equal(beside.of(`signing key of ${SERVER_NAME}`)[0]?.state, 'ok');
    assert.ok(beside.of('clock').length > 0 && beside.of('clock').every(({ state }) => state === 'ok'));
    assert.equal((await listObjects(folder)).length, 1, 'it tidies up after itself');
  });

  test(`on ${engine.name}: media in a datastore that is not configured is told`, { skip: engine.skip }, async (t) => {
    const folder = await makeHealthy(t, engine);
    const service = await startServiceIn(t, folder);
    await uploadBytes(service.ask, Buffer.from('content'));
    await service.stop();
    const database = await openServiceDatabase(t, folder);
    await database.db.updateTable('media').set({ datastore_id: 'old' }).execute();
    await database[Symbol.asyncDispose]();
    const { code, of } = await examine(folder);
    assert.equal(code, 1);
    assert.match(of('database').at(-1)?.found ?? '', /datastores that are not configured: "old"/);
  });
}

test('a configuration with mistakes is the first thing to mend', async (t) => {
  const folder = await makeHealthy(t, ENGINES[0]);
  await change(folder, { repo: { port: 'many' } });
  const { code, told } = await examine(folder);
  assert.equal(code, 1);
  assert.deepEqual(
    told.map(({ part }) => part),
    ['configuration'],
  );
  assert.match(told[0]?.found ?? '', /repo\.port: "many" was found/);
});

test('a database that cannot be reached is told with its reason', async (t) => {
  const folder = await makeHealthy(t, ENGINES[0]);
  await change(folder, { database: { postgres: 'postgres://a:b@127.0.0.1:9/vitrine?sslmode=disable' } });
  const [found] = (await examine(folder)).of('database');
  assert.equal(found?.state, 'problem');
  assert.match(found?.found ?? '', /PostgreSQL at 127\.0\.0\.1:9 cannot be used now: .*ECONNREFUSED/);
  await change(folder, { database: { sqlite: 'nowhere/vitrine.db' } });
  assert.match((await examine(folder)).of('database')[0]?.found ?? '', /folder of the SQLite file .* does not exist/);
});

test('a database that takes no writes, or not all of them, is told', { skip: postgres.skip }, async (t) => {
  const url = await postgres.createDatabase(t);
  const pool = { maxConnections: 1000 };
  const folder = await makeHealthy(t, ENGINES[0], { database: { postgres: url, pool } });
  await (await startServiceIn(t, folder)).stop();
  const role = `reader_${randomBytes(4).toString('hex')}`;
  await runSql(url, `CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  // After the database, and what the role may do there, is gone.
  t.after(() => runSql(new URL('/postgres?sslmode=disable', url).href, `DROP ROLE ${role}`));
  await runSql(url, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  await runSql(url, `GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`);
  await runSql(url, `REVOKE UPDATE ON media FROM ${role}`);
  const asReader = new URL(url);
  asReader.username = role;
  await change(folder, { database: { postgres: asReader.href, pool } });
  const told = (await examine(folder)).of('database');
  assert.deepEqual(
    told.map(({ state }) => state),
    ['ok', 'problem', 'warning'],
  );
  assert.match(told[1]?.found ?? '', /may not read, write and delete in media$/);
  assert.match(told[2]?.found ?? '', /maxConnections is 1000, and the server has 500 connections/);
  await runSql(url, `ALTER ROLE ${role} SET default_transaction_read_only = on`);
  const [found] = (await examine(folder)).of('database');
  assert.equal(found?.state, 'problem');
  assert.match(found?.found ?? '', /cannot be used now: it can only be read: a standby/);
});

test('a datastore that cannot be written, and one that is not there, are told', async (t) => {
  const folder = await makeHealthy(t, ENGINES[0]);
  await writeFile(join(folder.path, 'a-file'), '');
  await change(folder, {
    datastores: [
      { type: 'file', id: 'broken', forKinds: ['all'], opts: { path: join(folder.path, 'a-file') } },
      { type: 'file', id: 'missing', forKinds: ['all'], opts: { path: join(folder.path, 'missing') } },
    ],
  });
  const { code, of } = await examine(folder);
  assert.equal(code, 1);
  assert.equal(of('datastore broken')[0]?.state, 'problem');
  assert.equal(of('datastore missing')[0]?.state, 'warning');
});

test('the disks of uploads to a bucket, and of its cache, are looked at', async (t) => {
  const folder = await makeHealthy(t, ENGINES[0]);
  const server = await startS3Server(t);
  const opts = { ...server.opts, tempPath: folder.path, cachePath: folder.path };
  await change(folder, { datastores: [{ type: 's3', id: 'bucket', forKinds: ['all'], opts }] });
  const { of } = await examine(folder);
  for (const what of ['uploads to', 'the cache of']) {
    assert.match(of(`disk of ${what} datastore bucket`)[0]?.found ?? '', /free/);
  }
});

test('a bucket whose key may not list it is told, since lost objects would not be known there', async (t) => {
  const server = await startS3Server(t);
  const folder = await makeHealthy(t, ENGINES[0]);
  await change(folder, { datastores: [{ type: 's3', id: 'bucket', forKinds: ['all'], opts: server.opts }] });
  const well = (await examine(folder)).of('datastore bucket');
  assert.deepEqual(well, [{ part: 'datastore bucket', state: 'ok', found: 'an object was stored, read and deleted' }]);
  let isDeleted = false;
  server.fault = ({ method }) => {
    isDeleted ||= method === 'DELETE';
    return isDeleted && method === 'HEAD' ? { kind: 'refuse', status: 403, code: 'AccessDenied' } : undefined;
  };
  const [found] = (await examine(folder)).of('datastore bucket');
  assert.equal(found?.state, 'problem');
  assert.match(found?.found ?? '', /does not tell that an object is missing: .* list the bucket \(.*status 403/);
});

test('a homeserver that is down or in trouble, and a signing key that cannot be read, are told', async (t) => {
  const folder = await makeHealthy(t, ENGINES[0]);
  const homeserver = await startFakeHomeserver();
  t.after(() => homeserver[Symbol.asyncDispose]());
  homeserver.suffer('bad gateway');
  await change(folder, {
    homeservers: [
      { name: 'down.example', csApi: 'http://127.0.0.1:9', signingKeyPath: join(folder.path, 'none') },
      { name: 'troubled.example', csApi: homeserver.url },
    ],
  });
  const { code, of } = await examine(folder);
  assert.equal(code, 1);
  assert.match(of('homeserver down.example')[0]?.found ?? '', /cannot be reached: .*ECONNREFUSED/);
  assert.match(of('homeserver troubled.example')[0]?.found ?? '', /status 502/);
  assert.match(of('signing key of down.example')[0]?.found ?? '', /cannot be read/);
  assert.equal(of('signing key of troubled.example')[0]?.state, 'warning');
});

for (const [what, args, user, state, words] of [
  ['a replica', ['--replicaof', '127.0.0.1 1'], {}, 'problem', /READONLY.*name the master/],
  ['one that is full', ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'], {}, 'problem', /OOM.*allkeys-lru/],
  ['one that will refuse', ['--maxmemory', '1gb'], {}, 'warning', /memory is full.*allkeys-lru/],
  [
    'one whose user may not touch our keys',
    ['--user', 'media', 'on', '>secret', '~other:*', '&*', '+@all', '-@admin'],
    { username: 'media', password: 'secret' },
    'problem',
    /NOPERM.*docs\/scaling/,
  ],
  [
    'one whose user has the documented rights',
    ['--user', 'media', 'on', '>secret', '~vitrine:*', '&vitrine:*', '+@all', '-@admin'],
    { username: 'media', password: 'secret' },
    'ok',
    /keeps, runs and passes on/,
  ],
] as const) {
  test(`of Redis it tries what the service needs: ${what}`, { skip: skipWithoutRedis() }, async (t) => {
    const { addr } = await startRedis(t, args);
    const folder = await makeHealthy(t, ENGINES[0], {
      redis: { enabled: true, shards: [{ name: 'one', addr }], ...user },
    });
    const [told] = (await examine(folder)).of('redis one');
    assert.equal(told?.state, state);
    assert.match(`${told?.found} ${told?.advice}`, words);
  });
}

test('Redis is asked when it is in use, with the password that it wants', { skip: skipWithoutRedis() }, async (t) => {
  const redis = await startRedis(t, ['--requirepass', 'secret']);
  const folder = await makeHealthy(t, ENGINES[0]);
  const shards = [
    { name: 'one', addr: redis.addr },
    { name: 'two', addr: '127.0.0.1:9' },
  ];
  await change(folder, { redis: { enabled: true, shards, password: 'secret' } });
  const { of } = await examine(folder);
  assert.equal(of('redis one')[0]?.state, 'ok');
  assert.match(of('redis two')[0]?.found ?? '', /ECONNREFUSED/);
  await change(folder, { redis: { enabled: true, shards, password: 'wrong' } });
  assert.match((await examine(folder)).of('redis one')[0]?.found ?? '', /WRONGPASS/);
});

test('programs that listed types need and that are missing are told, with what to install', async (t) => {
  const folder = await makeHealthy(t, ENGINES[0], { thumbnails: { types: ['video/mp4', 'application/pdf'] } });
  const { code, of } = await examine(folder, '/nowhere');
  assert.equal(code, 0, 'they are optional');
  assert.deepEqual(
    of('programs').map(({ state, advice }) => [state, /package is ([\w-]+)/.exec(advice ?? '')?.[1]]),
    [
      ['warning', 'ffmpeg'],
      ['warning', 'poppler-utils'],
    ],
  );
});
