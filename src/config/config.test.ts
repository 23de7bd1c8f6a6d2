import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeConfig, maskPassword } from './describe-config.ts';
import { findConfigPath, readEnvironment } from './find-config.ts';
import { loadConfig } from './load-config.ts';
import { mergeDeep } from './merge.ts';
import { renderConfigurationPage } from './page.ts';
import { ConfigError } from './problems.ts';
import { writeSampleConfig } from './sample.ts';

test('docs/configuration.md says what the schema says', async () => {
  const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const hint = 'run "node script/write-configuration-page.ts" and commit the page';
  assert.equal(page, renderConfigurationPage(), hint);
});

for (const [title, parts] of Object.entries({
  'a first start': { serverName: 'localhost', appserviceToken: 'a"b' },
  'a homeserver': { serverName: 'example.org:8448', homeserverUrl: 'http://localhost:8008' },
})) {
  test(`the configuration that is written for ${title} loads without a complaint`, async (t) => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'vitrine sample-'));
    t.after(() => rm(dataFolder, { recursive: true }));
    const path = join(dataFolder, 'media-repo.yaml');
    await writeFile(path, writeSampleConfig({ ...parts, dataFolder, port: 8123 }));
    const { config, warnings, withoutEffect } = await loadConfig(path);
    assert.deepEqual([warnings, withoutEffect], [[], []]);
    assert.equal(config.repo.port, 8123);
    assert.equal(config.domains.get(parts.serverName)?.serverName, parts.serverName);
    assert.equal(config.datastores[0]?.opts['path'], join(dataFolder, 'media'));
  });
}

test('what is in force is shown without secrets', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-config-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'media-repo.yaml');
  await writeFile(
    path,
    `
database: { postgres: "postgres://user:hidden1@db.example.org/media" }
homeservers: [{ name: example.org, csApi: "http://localhost:8008" }]
sharedSecretAuth: { enabled: true, token: hidden2 }
accessTokens: { appservices: [{ id: a, asToken: hidden3, senderUserId: "@a:example.org" }] }
datastores: [{ type: s3, id: b, forKinds: [all], opts: { endpoint: s3.example.org, bucketName: c, accessKeyId: hidden4, accessSecret: hidden5 } }]
plugins: [{ exec: /bin/true, config: { apiKey: hidden6, words: [a] } }]
pgo: { submitKey: hidden7 }
sentry: { dsn: "https://hidden8@example.org/1" }
`,
  );
  const { config } = await loadConfig(path);
  const shown = describeConfig(config) + describeConfig(config, config.domains.get('example.org'));
  assert.doesNotMatch(shown, /hidden/);
  assert.match(shown, /postgres:\/\/user:\*+@db.example.org\/media/);
  assert.match(shown, /homeserver: example.org/);
});

test('passwords are masked in both forms of a connection', () => {
  assert.equal(
    maskPassword("host=/run user=a password='se cret' dbname=b"),
    'host=/run user=a password=******** dbname=b',
  );
  assert.equal(
    maskPassword('postgres://a:b%40c@host/d?sslmode=disable'),
    'postgres://a:********@host/d?sslmode=disable',
  );
  assert.equal(maskPassword('postgres://host/d?user=a&password=secret'), 'postgres://host/d?user=a&password=********');
});

test('the flag wins over the environment, and both over what lies in the working folder', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'vitrine-cwd-'));
  t.after(() => rm(cwd, { recursive: true }));
  assert.equal(findConfigPath(undefined, {}, cwd), undefined);
  await writeFile(join(cwd, 'media-repo.yaml'), '');
  assert.deepEqual(findConfigPath(undefined, {}, cwd), { path: join(cwd, 'media-repo.yaml'), why: 'working folder' });
  assert.deepEqual(findConfigPath(undefined, { REPO_CONFIG: '/b' }, cwd), { path: '/b', why: 'environment' });
  assert.deepEqual(findConfigPath('a', { REPO_CONFIG: '/b' }, cwd), { path: join(cwd, 'a'), why: 'flag' });
});

test('a machine number that is none is refused', () => {
  assert.equal(readEnvironment({}).machineId, 0);
  assert.equal(readEnvironment({ MACHINE_ID: '1023' }).machineId, 1023);
  for (const MACHINE_ID of ['1024', '-1', 'one', '1.5'])
    assert.throws(() => readEnvironment({ MACHINE_ID }), ConfigError);
});

test('merging keeps every key that only one side has', () => {
  const tree = fc.object({ maxDepth: 3, values: [fc.nat(), fc.string()], withNullPrototype: false });
  fc.assert(
    fc.property(tree, tree, (earlier, later) => {
      const merged = mergeDeep<Record<string, unknown>>(earlier, later);
      assert.deepEqual(new Set(Object.keys(merged)), new Set([...Object.keys(earlier), ...Object.keys(later)]));
      for (const key of Object.keys(earlier))
        if (!Object.hasOwn(later, key)) assert.deepEqual(merged[key], earlier[key]);
    }),
    { examples: [[{}, JSON.parse('{"__proto__":{}}')]] },
  );
});
