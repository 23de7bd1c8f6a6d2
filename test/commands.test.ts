import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { animationOf, makeGif, makePng, makeSvg } from './pictures.ts';
import { skipWithoutPrograms } from './programs.ts';
import { makePdf, makeWav } from './recordings.ts';

const VITRINE = fileURLToPath(new URL('../bin/vitrine', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine command-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Without the variables that the machine may have. */
function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', ...more };
}

async function vitrine(cwd: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  execFile(VITRINE, args, { cwd, env: environment(env) }, (error, stdout, stderr) => {
    resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
  });
  return await promise;
}

/** Runs until a line of its output fits; then the test goes on. */
async function startIn(t: TestContext, cwd: string, until: RegExp, args: readonly string[] = []) {
  const child = spawn(VITRINE, args, { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (until.test(line)) resolve();
    });
  }
  void ended.then(() => reject(new Error(lines.join('\n'))));
  await promise;
  const stop = async () => {
    child.kill('SIGTERM');
    return (await ended)[0];
  };
  return { lines, stop, child, ended };
}

test('the first start makes all it needs, and the two lines that it prints work as they are', async (t) => {
  const cwd = await makeFolder(t);
  const service = await startIn(t, cwd, /^curl .*-o thumbnail\.png/);
  const [upload = '', thumbnail = ''] = service.lines.filter((line) => line.startsWith('curl '));
  const shell = async (line: string) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    execFile('sh', ['-c', line], { cwd }, (_error, stdout) => resolve(stdout));
    return await promise;
  };
  assert.match(await shell(upload), /^\{"content_uri":"mxc:\/\/localhost\/[0-9a-f]+"\}/);
  await shell(thumbnail);
  const png = await readFile(join(cwd, 'thumbnail.png'));
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [96, 96]);
  assert.equal((await stat(join(cwd, 'data', 'media-repo.yaml'))).mode & 0o077, 0, 'the token can be read by others');
  const token = /vitrine_[\w-]+/.exec(upload)?.[0] ?? 'none';
  const logged = service.lines.filter((line) => line.startsWith('time='));
  assert.ok(logged.length > 0 && !logged.join().includes(token), 'the token is in the log');
  assert.equal(await service.stop(), 0);
});

test('a second start uses what the first one has made', async (t) => {
  const cwd = await makeFolder(t);
  const first = await startIn(t, cwd, /msg=Ready/);
  await first.stop();
  const config = await readFile(join(cwd, 'data', 'media-repo.yaml'), 'utf8');
  const second = await startIn(t, cwd, /first-steps\.txt has the lines/);
  assert.ok(!second.lines.join().includes('first start'));
  assert.equal(await second.stop(), 0);
  assert.equal(await readFile(join(cwd, 'data', 'media-repo.yaml'), 'utf8'), config);
});

test('a second process on the same SQLite file is refused, and told how to scale out', async (t) => {
  const cwd = await makeFolder(t);
  await startIn(t, cwd, /msg=Ready/);
  const { code, stderr } = await vitrine(cwd, []);
  assert.equal(code, 1);
  assert.match(stderr, /vitrine\.db.*PostgreSQL/s);
});

test('init writes a configuration that passes the check, and never overwrites one', async (t) => {
  const cwd = await makeFolder(t);
  const args = ['init', '--server-name', 'example.org', '--homeserver-url', 'http://localhost:8008'];
  assert.equal((await vitrine(cwd, args)).code, 0);
  const check = await vitrine(cwd, ['config', 'check']);
  assert.deepEqual([check.code, check.stderr], [0, '']);
  assert.match(check.stdout, /data\/media-repo.yaml: no problems/);
  const again = await vitrine(cwd, args);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /exists already and was left as it is/);
  const shown = await vitrine(cwd, ['config', 'show', '--domain', 'example.org']);
  assert.match(shown.stdout, /^homeserver: example.org$/m);
});

test('init says which value it cannot use', async (t) => {
  const cwd = await makeFolder(t);
  for (const [args, complaint] of [
    [['--homeserver-url', 'http://localhost'], /--server-name is missing/],
    [['--server-name', 'a b', '--homeserver-url', 'http://localhost'], /--server-name "a b" cannot be used/],
    [['--server-name', 'a.example', '--homeserver-url', 'localhost'], /is not a URL/],
    [
      ['--server-name', 'a.example', '--homeserver-url', 'http://localhost', '--port', '0'],
      /--port "0" is not a number/,
    ],
  ] as const) {
    const { code, stderr } = await vitrine(cwd, ['init', ...args]);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
  }
});

test('a configuration that cannot be used stops the start with all problems', async (t) => {
  const cwd = await makeFolder(t);
  await writeFile(join(cwd, 'media-repo.yaml'), stringify({ repo: { port: 'many', logLevel: 'loud' } }));
  const { code, stderr } = await vitrine(cwd, []);
  assert.equal(code, 1);
  assert.match(stderr, /media-repo\.yaml:2:9: repo\.port: "many" was found/);
  assert.match(stderr, /repo\.logLevel: "loud" was found/);
});

test('the flag wins over REPO_CONFIG, in every form in which Go takes it', async (t) => {
  const cwd = await makeFolder(t);
  for (const flag of [
    ['-config', 'flag.yaml'],
    ['--config', 'flag.yaml'],
    ['-config=flag.yaml'],
    ['--config=flag.yaml'],
  ]) {
    const { stderr } = await vitrine(cwd, ['config', 'check', ...flag], { REPO_CONFIG: 'environment.yaml' });
    assert.match(stderr, /flag\.yaml cannot be found/);
  }
  const { stderr } = await vitrine(cwd, ['-migrations', './m', '-templates=t', '-assets', 'a'], {
    REPO_CONFIG: 'environment.yaml',
  });
  assert.match(stderr, /environment\.yaml cannot be found/);
});

test('every command has help, and what is not understood is exit code 2', async (t) => {
  const cwd = await makeFolder(t);
  for (const args of [
    ['--help'],
    ['-h'],
    ['help'],
    ['serve', '--help'],
    ['init', '-help'],
    ['config', '--help'],
    ['help', 'config'],
    ['thumbnail', '--help'],
    ['signing-key', '--help'],
    ['signing-key', 'merge', '-h'],
  ]) {
    const { code, stdout } = await vitrine(cwd, args);
    assert.equal(code, 0, args.join(' '));
    assert.match(stdout, /Usage: vitrine/);
  }
  for (const args of [
    ['--nonsense'],
    ['nonsense'],
    ['config'],
    ['config', 'check', '--domain', 'x'],
    ['init', 'x'],
    ['serve', 'x'],
    ['thumbnail', 'one-file'],
    ['thumbnail', 'a', 'b', '--width', '0'],
    ['thumbnail', 'a', 'b', '--method', 'stretch'],
    ['signing-key'],
    ['signing-key', 'destroy'],
    ['signing-key', 'generate', 'x'],
    ['signing-key', 'generate', '--format', 'pem'],
    ['signing-key', 'generate', '--output='],
    ['signing-key', 'convert'],
    ['signing-key', 'convert', 'a', 'b'],
    ['signing-key', 'merge'],
  ]) {
    const { code, stderr } = await vitrine(cwd, args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /^vitrine/);
  }
  for (const flag of ['-version', '--version'])
    assert.match((await vitrine(cwd, [flag])).stdout, /^Version: \d+\.\d+\.\d+\n/);
  await assert.rejects(access(join(cwd, 'data')), 'asking for help makes nothing');
});

test('a thumbnail of a sound or a document is made by hand where its type is listed', {
  skip: skipWithoutPrograms(),
}, async (t) => {
  const cwd = await makeFolder(t);
  await writeFile(join(cwd, 'sound.wav'), makeWav({ seconds: 1, channels: [() => 0.5] }));
  await writeFile(join(cwd, 'page.pdf'), makePdf({ width: 200, height: 100 }));
  const unlisted = await vitrine(cwd, ['thumbnail', 'sound.wav', 'sound.png']);
  assert.deepEqual([unlisted.code, unlisted.stdout], [1, '']);
  assert.equal(
    (await vitrine(cwd, ['init', '--server-name', 'example.org', '--homeserver-url', 'http://localhost:9'])).code,
    0,
  );
  const path = join(cwd, 'data/media-repo.yaml');
  await writeFile(path, (await readFile(path, 'utf8')).replace('image/avif', 'application/pdf'));
  for (const [from, told] of [
    ['sound.wav', /^out\.png: image\/png, 320×240, \d+ bytes\n$/],
    ['page.pdf', /^out\.png: image\/png, 320×160, \d+ bytes\n$/],
  ] as const) {
    const { code, stdout, stderr } = await vitrine(cwd, ['thumbnail', from, 'out.png', '--width=320', '--height=240']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, told);
  }
});

test('a thumbnail is made of a file by hand, under the limits of the configuration', async (t) => {
  const cwd = await makeFolder(t);
  await writeFile(join(cwd, 'moving.gif'), await makeGif({ width: 400, height: 200, frames: 3 }));
  const moving = await vitrine(cwd, [
    'thumbnail',
    'moving.gif',
    'out.webp',
    '--width=100',
    '--height',
    '100',
    '--animated',
  ]);
  assert.deepEqual([moving.code, moving.stderr], [0, '']);
  assert.match(moving.stdout, /^out\.webp: image\/webp, 100×50, \d+ bytes, animated\n$/);
  assert.equal((await animationOf(await readFile(join(cwd, 'out.webp')))).frames, 3);

  await writeFile(join(cwd, 'small.png'), await makePng({ width: 40, height: 20 }));
  const small = await vitrine(cwd, ['thumbnail', 'small.png', 'same.png']);
  assert.equal(small.stdout, 'same.png: image/png, the file itself, which is small enough\n');
  assert.deepEqual(await readFile(join(cwd, 'same.png')), await readFile(join(cwd, 'small.png')));

  await writeFile(join(cwd, 'picture.svg'), makeSvg({ width: 400, height: 200 }));
  const unlisted = await vitrine(cwd, ['thumbnail', 'picture.svg', 'none.png']);
  assert.deepEqual([unlisted.code, unlisted.stdout], [1, '']);
  assert.match(unlisted.stderr, /^The media is not a picture that this server can make thumbnails of\n$/);
  assert.equal(
    (await vitrine(cwd, ['init', '--server-name', 'example.org', '--homeserver-url', 'http://localhost:9'])).code,
    0,
  );
  const path = join(cwd, 'data/media-repo.yaml');
  await writeFile(path, (await readFile(path, 'utf8')).replace('image/avif', 'image/svg+xml'));
  assert.equal((await vitrine(cwd, ['thumbnail', 'picture.svg', 'drawn.png', '--method=crop'])).code, 0);

  const missing = await vitrine(cwd, ['thumbnail', 'missing.png', 'none.png']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^ENOENT.*missing\.png/);
  await assert.rejects(access(join(cwd, 'none.png')), 'what is refused writes nothing');
});

test('a signing key is made, which nobody else can read, and no file is overwritten unasked', async (t) => {
  const cwd = await makeFolder(t);
  const path = join(cwd, 'signing.key');
  const made = await vitrine(cwd, ['signing-key', 'generate']);
  assert.deepEqual([made.code, made.stderr], [0, '']);
  const text = await readFile(path, 'utf8');
  const version = /^Key-ID: ed25519:([A-Za-z0-9]{6})$/m.exec(text)?.[1] ?? 'none';
  assert.match(
    made.stdout,
    new RegExp(`^Wrote signing\\.key \\(mmr\\):\n {2}ed25519:${version}, public key [A-Za-z0-9+/]{43}\n$`),
  );
  assert.match(text, /^-----BEGIN MMR PRIVATE KEY-----\n/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const secret = /^([A-Za-z0-9+/]{43})=$/m.exec(text)?.[1] ?? 'none';
  assert.ok(!made.stdout.includes(secret), 'the secret is printed');

  const again = await vitrine(cwd, ['signing-key', 'generate']);
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /^signing\.key exists already and was left as it is\. .*--force\.\n$/);
  assert.equal(await readFile(path, 'utf8'), text);

  await chmod(path, 0o644);
  assert.equal((await vitrine(cwd, ['signing-key', 'generate', '--force', '-format=synapse'])).code, 0);
  assert.match(await readFile(path, 'utf8'), /^ed25519 [A-Za-z0-9]{6} [A-Za-z0-9+/]{43}$/);
  assert.equal((await stat(path)).mode & 0o777, 0o600, 'the new secret has the rights of the old file');
  assert.deepEqual(await readdir(cwd), ['signing.key'], 'nothing is left behind');
});

test('a signing key keeps its ID and its secret through every format, and converting takes the first key', async (t) => {
  const cwd = await makeFolder(t);
  const synapse = 'ed25519 a_RVfN wdSWsTNSOmMuNA1Ej6JUyeNbiBEt5jexHmVs7mHKZVc';
  await writeFile(join(cwd, '1.key'), synapse);
  const convert = async (from: string, to: string, format: string) => {
    const { code, stdout } = await vitrine(cwd, ['signing-key', 'convert', from, '--output', to, '--format', format]);
    assert.equal(code, 0);
    assert.match(stdout, /ed25519:a_RVfN, public key N1wtx39rXnuCsbjt3Yhrb0jkPI\/zI5kphIV9ai1enW0\n$/);
  };
  await convert('1.key', '2.key', 'mmr');
  await convert('2.key', '3.key', 'dendrite');
  await convert('3.key', '4.key', 'synapse');
  assert.equal(await readFile(join(cwd, '4.key'), 'utf8'), synapse);

  await writeFile(join(cwd, 'two.key'), `${synapse}\ned25519 IZJY6A dvA8xfimUqog15zY6n5uRfVHb/pQ0sw9jRORJslYsoI\n`);
  const { code, stderr } = await vitrine(cwd, ['signing-key', 'convert', 'two.key', '--format=synapse']);
  assert.equal(code, 0);
  assert.match(stderr, /^two\.key has more keys, which are left out: ed25519:IZJY6A\./);
  assert.equal(await readFile(join(cwd, 'signing.key'), 'utf8'), synapse);

  await writeFile(join(cwd, 'empty.key'), '');
  for (const [input, complaint] of [
    ['empty.key', /^.*empty\.key: the file is empty\n$/],
    ['missing.key', /^.*missing\.key: the file cannot be read \(ENOENT/],
  ] as const) {
    const refused = await vitrine(cwd, ['signing-key', 'convert', input, '--output', 'none.key']);
    assert.deepEqual([refused.code, refused.stdout], [1, '']);
    assert.match(refused.stderr, complaint);
  }
  const nowhere = await vitrine(cwd, ['signing-key', 'generate', '--force', '--output', 'no/folder/a.key']);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /^ENOENT/);
  await assert.rejects(access(join(cwd, 'none.key')), 'what is refused writes nothing');
});

test('signing keys of several files are put into one, in their order, and no ID twice', async (t) => {
  const cwd = await makeFolder(t);
  for (const format of ['synapse', 'dendrite', 'mmr']) {
    await vitrine(cwd, ['signing-key', 'generate', '--format', format, '--output', `${format}.key`]);
  }
  const inputs = ['dendrite.key', 'mmr.key', 'synapse.key'];
  const merged = await vitrine(cwd, ['signing-key', 'merge', ...inputs, '--output', 'all.key']);
  assert.deepEqual([merged.code, merged.stderr], [0, '']);
  const ids = await Promise.all(
    inputs.map(async (name) => {
      const text = await readFile(join(cwd, name), 'utf8');
      return /ed25519[: ](\w+)/.exec(text)?.[1] ?? 'none';
    }),
  );
  const written = await readFile(join(cwd, 'all.key'), 'utf8');
  assert.deepEqual(
    [...written.matchAll(/^Key-ID: ed25519:(.+)$/gm)].map(([, id]) => id),
    ids,
  );

  const twice = await vitrine(cwd, ['signing-key', 'merge', 'all.key', 'mmr.key', '--output', 'twice.key']);
  assert.deepEqual([twice.code, twice.stdout], [1, '']);
  assert.equal(twice.stderr, `mmr.key: the key ID ed25519:${ids[1]} occurs in all.key already\n`);
  await assert.rejects(access(join(cwd, 'twice.key')));
});

test('a machine number that is none keeps the service from starting', async (t) => {
  const cwd = await makeFolder(t);
  const { code, stderr } = await vitrine(cwd, [], { MACHINE_ID: 'two' });
  assert.equal(code, 1);
  assert.match(stderr, /MACHINE_ID: "two" was found in the environment; allowed: a whole number from 0 to 1023/);
});

test('a stop is heard while a database that is not there is waited for', async (t) => {
  const cwd = await makeFolder(t);
  await writeFile(
    join(cwd, 'media-repo.yaml'),
    stringify({
      repo: { logDirectory: '-' },
      database: { postgres: 'postgres://a:b@127.0.0.1:9/c?sslmode=disable' },
      homeservers: [{ name: 'example.org', csApi: 'http://127.0.0.1:9' }],
      datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path: join(cwd, 'media') } }],
    }),
  );
  const service = await startIn(t, cwd, /level=(warning|info) msg=.*(PostgreSQL|database)/i);
  assert.equal(await service.stop(), 0);
});
