import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type LoadedConfig, loadConfig } from './load-config.ts';
import { ConfigError, formatProblem } from './problems.ts';

const BASE = `
database: { sqlite: vitrine.db }
homeservers: [{ name: example.org, csApi: "http://localhost:8008" }]
datastores: [{ type: file, id: main, forKinds: [all], opts: { path: /media } }]
`;

/** Writes the files into a folder of their own and loads it; a single file is loaded as a file. */
async function load(t: TestContext, ...texts: string[]): Promise<LoadedConfig> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-config-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [index, text] of texts.entries()) await writeFile(join(folder, `${index}.yaml`), text);
  return await loadConfig(texts.length === 1 ? join(folder, '0.yaml') : folder);
}

async function problemsOf(t: TestContext, ...texts: string[]): Promise<string[]> {
  const error = await load(t, ...texts).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConfigError, `it was accepted or failed otherwise: ${String(error)}`);
  return error.problems.map((problem) => formatProblem(problem).replace(/^\S*\/(\d\.yaml)/, '$1'));
}

async function warningsOf(t: TestContext, ...texts: string[]): Promise<string[]> {
  const { warnings } = await load(t, ...texts);
  return warnings.map((warning) => formatProblem(warning).replace(/^\S*\/([^/ ]+: )/, '$1'));
}

test('what a file does not say has its default', async (t) => {
  const { config, warnings } = await load(t, BASE);
  assert.deepEqual(warnings, []);
  assert.equal(config.repo.port, 8000);
  assert.equal(config.uploads.maxBytes, 104_857_600);
  assert.equal(config.database.pool.maxIdleConnections, 5);
  assert.equal(config.homeservers[0]?.adminApiKind, 'matrix');
  assert.equal(config.domains.get('example.org')?.backoffAt, 10);
});

test('files of a folder are merged key by key in the order of their names', async (t) => {
  const { config } = await load(t, `${BASE}uploads: { minBytes: 1, maxBytes: 5 }`, 'uploads: { maxBytes: 7 }');
  assert.deepEqual([config.uploads.minBytes, config.uploads.maxBytes, config.uploads.maxPending], [1, 7, 5]);
});

test("a domain's file changes just the keys that it has, and leaves deny lists alone", async (t) => {
  const own = 'homeserver: example.org\nuploads: { maxBytes: 99 }\nurlPreviews: { enabled: true }';
  const { config } = await load(t, `${BASE}uploads: { minBytes: 3 }`, own);
  const domain = config.domains.get('example.org');
  assert.deepEqual([domain?.uploads.maxBytes, domain?.uploads.minBytes], [99, 3]);
  assert.equal(domain?.urlPreviews.disallowedNetworks.length, 9);
  assert.equal(domain?.csApi, 'http://localhost:8008');
  assert.equal(config.uploads.maxBytes, 104_857_600);
});

test('a domain may exist in a file of its own only', async (t) => {
  const { config } = await load(t, BASE, 'homeserver: Beta.example.org\ncsApi: "http://localhost:8009"');
  assert.equal(config.domains.get('beta.example.org')?.serverName, 'Beta.example.org');
});

test('a key without a value counts as not given', async (t) => {
  const { config } = await load(
    t,
    `${BASE}uploads: { maxBytes: 5 }`,
    'uploads:\nplugins:\nurlPreviews: { disallowedNetworks: }',
  );
  assert.equal(config.uploads.maxBytes, 5);
  assert.equal(config.urlPreviews.disallowedNetworks.length, 9);
});

test('nobody can change what was loaded', async (t) => {
  const { config } = await load(t, BASE);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(config.repo) && Object.isFrozen(config.thumbnails.sizes[0]));
});

test('values are read as matrix-media-repo reads them', async (t) => {
  const text = `${BASE}
repo: { jsonLogs: yes, logColors: off, port: 0x1f90, logDirectory: 0123 }
uploads: { maxBytes: 1_000, minBytes: 1e1 }
federation: &f { backoffAt: 7 }
`;
  const { config } = await load(t, text);
  assert.deepEqual([config.repo.jsonLogs, config.repo.logColors, config.repo.port], [true, false, 8080]);
  assert.equal(config.repo.logDirectory, '0123');
  assert.deepEqual([config.uploads.maxBytes, config.uploads.minBytes], [1000, 10]);
});

test('anchors, aliases and merged keys work', async (t) => {
  const text = `
database: { sqlite: vitrine.db }
homeservers:
  - &base { name: a.example.org, csApi: "http://localhost:1", backoffAt: 3 }
  - { <<: *base, name: b.example.org }
datastores: [{ type: file, id: main, forKinds: [all], opts: { path: /media } }]
`;
  const { config } = await load(t, text);
  assert.deepEqual(
    config.homeservers.map(({ name, backoffAt }) => [name, backoffAt]),
    [
      ['a.example.org', 3],
      ['b.example.org', 3],
    ],
  );
});

test('the SQLite file is found from the configuration, not from where the process was started', async (t) => {
  const { config, files } = await load(t, BASE);
  assert.equal(config.database.sqlite, join(dirname(files[0] ?? ''), 'vitrine.db'));
});

const WRONG: readonly (readonly [title: string, added: string, problem: RegExp])[] = [
  [
    'a text for a number',
    'repo: { port: "80" }',
    /^0.yaml:\d+:15: repo.port: the text "80" was found; allowed: a whole number from 0 to 65535, without quotes$/,
  ],
  [
    'a number out of range',
    'repo: { port: 70000 }',
    /repo.port: "70000" was found; allowed: a whole number from 0 to 65535/,
  ],
  ['a fraction for a whole number', 'uploads: { maxBytes: 1.5 }', /uploads.maxBytes: "1.5" was found/],
  ['a text for a switch', 'repo: { jsonLogs: maybe }', /repo.jsonLogs: "maybe" was found; allowed: true or false/],
  ['a list for a section', 'repo: [1]', /repo: a list was found; allowed: keys and values/],
  ['a text for a list', 'admins: all', /admins: a single value was found; allowed: a list/],
  [
    'an unknown kind',
    'datastores: [{ type: file, id: a, forKinds: [everything], opts: { path: /a } }]',
    /forKinds\[0\]: "everything" was found; allowed: "all", "thumbnails"/,
  ],
  ['an unknown log level', 'repo: { logLevel: loud }', /repo.logLevel: "loud" was found; allowed: panic, fatal/],
  [
    'a network that is none',
    'urlPreviews: { disallowedNetworks: [10.0.0.0/33] }',
    /disallowedNetworks\[0\]: "10.0.0.0\/33" was found; allowed: a network such as/,
  ],
  [
    'a broken regular expression',
    'accessTokens: { appservices: [{ asToken: x, senderUserId: "@a:example.org", userNamespaces: [{ regex: "(" }] }] }',
    /regex: the text "\(" was found; allowed: a regular expression in RE2 syntax/,
  ],
  [
    'an address without http',
    'homeservers: [{ name: example.org, csApi: "localhost:8008" }]',
    /csApi: the text "localhost:8008" was found; allowed: a URL/,
  ],
  [
    'a homeserver without address',
    'homeservers: [{ name: example.org }]',
    /homeservers\[0\].csApi: is missing for example.org/,
  ],
  [
    'two homeservers of one name',
    'homeservers: [{ name: example.org, csApi: "http://a" }, { name: Example.org, csApi: "http://b" }]',
    /homeservers\[1\].name: "Example.org" is in the list already/,
  ],
  ['no homeserver', 'homeservers: []', /homeservers: there is none; allowed: a list with at least one homeserver/],
  [
    'no datastore for a kind',
    'datastores: [{ type: file, id: a, forKinds: [local_media, thumbnails], opts: { path: /a } }]',
    /datastores: no datastore takes remote_media; allowed: at least one with "remote_media" or "all"/,
  ],
  [
    'a datastore without a folder',
    'datastores: [{ type: file, id: a, forKinds: [all] }]',
    /datastores\[0\].opts.path: "" cannot be used; allowed: a text that is not empty/,
  ],
  [
    'a switch of a bucket that is none',
    'datastores: [{ type: s3, id: a, forKinds: [all], opts: { endpoint: s3.example.org, bucketName: b, ssl: perhaps } }]',
    /opts.ssl: "perhaps" cannot be used; allowed: true or false/,
  ],
  [
    'a datastore of a type that there is not',
    'datastores: [{ type: tape, id: a, forKinds: [all] }]',
    /^0\.yaml:1:\d+: datastores\[0\]\.type: "tape" was found; allowed: "file", "s3"/,
  ],
  [
    'an endpoint of a bucket with a scheme',
    'datastores: [{ type: s3, id: a, forKinds: [all], opts: { endpoint: "https://s3.example.org", bucketName: b } }]',
    /opts.endpoint: "https:\/\/s3.example.org" cannot be used; allowed: a host such as s3.example.org/,
  ],
  [
    'a style of addresses that there is not',
    'datastores: [{ type: s3, id: a, forKinds: [all], opts: { endpoint: a, bucketName: b, addressingStyle: dns } }]',
    /opts.addressingStyle: "dns" cannot be used; allowed: "auto", "path", "virtualHost"/,
  ],
  [
    'half of the keys of a bucket',
    'datastores: [{ type: s3, id: a, forKinds: [all], opts: { endpoint: a, bucketName: b, accessKeyId: hidden } }]',
    /opts.accessSecret: the value cannot be used; allowed: accessKeyId and accessSecret, or neither of them/,
  ],
  [
    'redirects to a bucket that is public and is not',
    'datastores: [{ type: s3, id: a, forKinds: [all], opts: { endpoint: a, bucketName: b, publicBaseUrl: "https://a/", signedRedirectSeconds: 60 } }]',
    /opts.signedRedirectSeconds: "60" cannot be used; allowed: 0 beside publicBaseUrl/,
  ],
  [
    'two datastores with one ID',
    'datastores: [{ type: file, id: a, forKinds: [all], opts: { path: /a } }, { type: file, id: a, opts: { path: /b } }]',
    /datastores\[1\].id: "a" is in the list already/,
  ],
  [
    'two databases',
    'database: { sqlite: a.db, postgres: "postgres://localhost/a" }',
    /database.sqlite: database.postgres is set as well; allowed: one of the two/,
  ],
  [
    'the secret of a sample',
    'sharedSecretAuth: { enabled: true }',
    /sharedSecretAuth.token: the secret of a sample or none is in use/,
  ],
  [
    'one port for two listeners',
    'metrics: { enabled: true, port: 8000, bindAddress: "" }',
    /metrics.port: 8000 is the port of repo.port/,
  ],
  ['a file that is no mapping', '- a', /the file has to be a list of keys and values/],
  ['a key twice', 'repo: { port: 1, port: 2 }', /Map keys must be unique/],
];

for (const [title, added, problem] of WRONG) {
  test(`${title} is refused with file, line, key and what is allowed`, async (t) => {
    const problems = await problemsOf(t, BASE, added);
    assert.ok(
      problems.some((text) => problem.test(text.replace(/^1\.yaml/, '0.yaml'))),
      problems.join('\n'),
    );
  });
}

test('all problems are told at once', async (t) => {
  const problems = await problemsOf(t, `${BASE}repo: { port: no, logLevel: loud }\nuploads: { maxBytes: much }`);
  assert.equal(problems.length, 3);
});

test('a secret that cannot be used is not shown', async (t) => {
  const problems = await problemsOf(
    t,
    BASE,
    'sharedSecretAuth: { token: [hidden-secret] }\nsentry: { dsn: { a: hidden-secret } }',
  );
  assert.ok(!problems.join().includes('hidden-secret'));
});

test('a file that is not there is told with what to do', async () => {
  await assert.rejects(
    loadConfig('/does/not/exist.yaml'),
    /exist.yaml cannot be found; "vitrine init" writes a configuration/,
  );
});

test('keys that are not known are warned about, with the nearest one that is', async (t) => {
  const warnings = await warningsOf(t, `${BASE}Repo: {}\nuploads: { maxByte: 1 }\nsomething: 1`);
  assert.match(warnings.join('\n'), /Repo: this key is not known and has no effect; did you mean "repo"\?/);
  assert.match(
    warnings.join('\n'),
    /uploads.maxByte: this key is not known and has no effect; did you mean "maxBytes"\?/,
  );
  assert.match(warnings.join('\n'), /something: this key is not known and has no effect$/m);
});

test('options of a datastore that its type does not have are warned about', async (t) => {
  const bucket = '{ endpoint: s3.example.org, bucketName: media, acessKeyId: hidden }';
  const datastores = `datastores: [{ type: file, id: a, forKinds: [all], opts: { path: /a, bucketName: b } }, { type: s3, id: c, opts: ${bucket} }]`;
  const warnings = await warningsOf(t, BASE, datastores);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0] ?? '', /datastores\[0\]\.opts\.bucketName: this key is not known and has no effect$/);
  assert.match(warnings[1] ?? '', /datastores\[1\]\.opts\.acessKeyId: .* no effect; did you mean "accessKeyId"\?$/);
});

test('keys that matrix-media-repo has given up are warned about with what to do', async (t) => {
  const datastores =
    'datastores: [{ type: file, id: a, forKinds: [all], opts: { path: /a } }, { type: file, id: old, enabled: false, forKinds: [all], opts: { path: /o } }]';
  const { config, warnings } = await load(
    t,
    BASE,
    `${datastores}\nuploads: { storagePaths: [/a], quota: {} }\ndownloads: { cache: {} }`,
  );
  const text = warnings.map(formatProblem).join('\n');
  assert.match(text, /storagePaths: replaced by "datastores"/);
  assert.match(text, /uploads.quota: this key is called "quotas"/);
  assert.match(text, /downloads.cache: the cache in memory needs no configuration/);
  assert.match(text, /enabled: replaced by "forKinds"/);
  assert.deepEqual(config.datastores[1]?.forKinds, []);
});

test('a folder gives its YAML and JSON files, links included, and says what it skips', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-config-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, '..data'));
  await writeFile(join(folder, '..data', 'real'), BASE);
  await symlink(join('..data', 'real'), join(folder, 'a.yaml'));
  await writeFile(join(folder, 'b.json'), '{ "uploads": { "minBytes": 9 } }');
  await writeFile(join(folder, 'a.yaml~'), 'broken: [');
  await writeFile(join(folder, 'c.yml'), '');
  const { config, files, warnings } = await loadConfig(folder);
  assert.equal(config.uploads.minBytes, 9);
  assert.deepEqual(
    files.map((file) => file.slice(folder.length + 1)),
    ['a.yaml', 'b.json'],
  );
  assert.match(warnings.map(formatProblem).join(), /a\.yaml~.*skipped: only/);
});

test('options that are set and have no effect yet are listed', async (t) => {
  const { withoutEffect } = await load(t, `${BASE}metrics: { enabled: true }\nsentry: { enabled: true }`);
  assert.deepEqual(withoutEffect, ['sentry.enabled']);
});

test('all datastores of all domains are known by their ID', async (t) => {
  const own = 'homeserver: example.org\ndatastores: [{ type: file, id: own, forKinds: [all], opts: { path: /own } }]';
  const { config } = await load(t, BASE, own);
  assert.deepEqual(
    config.allDatastores.map(({ id }) => id),
    ['main', 'own'],
  );
  assert.deepEqual(
    config.domains.get('example.org')?.datastores.map(({ id }) => id),
    ['own'],
  );
});
