import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { skipWithoutNginx, startNginx } from './nginx.ts';
import { usePostgres } from './postgres.ts';
import { runVitrine } from './run-vitrine.ts';
import { ask, makeServiceFolder, pathOf, startServiceIn, uploadBytes } from './service.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const compose = join(root, 'deploy/compose');
const postgres = await usePostgres();
const run = promisify(execFile);

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
}

/** The folder as it is after `set-up`, gone after the test. */
async function setUp(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-compose-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await cp(compose, folder, {
    recursive: true,
    filter: (path) => !path.endsWith('/.env') && !path.endsWith('/secrets.yaml'),
  });
  await run(join(folder, 'set-up'));
  return folder;
}

async function readComposition(folder: string) {
  const text = await readFile(join(folder, 'compose.yaml'), 'utf8');
  const { services, volumes } = parse(text, { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly volumes: Readonly<Record<string, null>>;
  };
  return { text, services, volumes };
}

async function readEnvFile(folder: string): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(join(folder, '.env'), 'utf8')).trim().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

test('the configuration of the composition is without problems, and its secrets are random', async (t) => {
  const [folder, other] = [await setUp(t), await setUp(t)];
  const data = join(folder, 'data');
  await mkdir(data);
  for (const name of ['media-repo.yaml', 'secrets.yaml']) await cp(join(folder, name), join(data, name));
  const { code, stdout, stderr } = await runVitrine(folder, ['config', 'check', '--config', data]);
  assert.deepEqual([code, stdout, stderr], [0, `${data}: no problems\n`, '']);
  const [secrets, env] = [await readFile(join(folder, 'secrets.yaml'), 'utf8'), await readEnvFile(folder)];
  for (const name of ['POSTGRES_PASSWORD', 'S3_ACCESS_KEY', 'S3_SECRET_KEY']) {
    assert.ok(secrets.includes(env.get(name) ?? '?'), name);
    assert.notEqual(env.get(name), (await readEnvFile(other)).get(name));
  }
  await assert.rejects(run(join(folder, 'set-up')), /there already; nothing was changed/);
});

test('the composition names only what exists', async (t) => {
  const folder = await setUp(t);
  const { text, services, volumes } = await readComposition(folder);
  const env = await readEnvFile(folder);
  for (const [, name = ''] of text.matchAll(/\$\{(\w+)/g)) assert.ok(env.has(name), `${name} is not in .env`);
  for (const [name, service] of Object.entries(services)) {
    if (service.image !== 'vitrine') assert.match(service.image, /:v?\d+(\.\d+)*(-alpine)?$/, `${name} has no version`);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('./')) await access(join(folder, source));
      else assert.ok(source in volumes, `${source} is no volume`);
    }
    const needed = service.depends_on ?? [];
    for (const other of Array.isArray(needed) ? needed : Object.keys(needed)) assert.ok(other in services, other);
  }
  const machineIds = Object.values(services).flatMap(({ environment }) => environment?.['MACHINE_ID'] ?? []);
  assert.deepEqual(machineIds.toSorted(), ['0', '1']);
  const files = ['media-repo.yaml', 'secrets.yaml', 'nginx.conf'].map((name) => readFile(join(folder, name), 'utf8'));
  const hosts = (await Promise.all(files)).join('\n').matchAll(/(?:@|addr: |endpoint: |server )([a-z]\w*)[:/]/g);
  for (const [, host = ''] of hosts) assert.ok(host in services, `${host} is no service`);
});

test('the image is made from what exists, with the Node of package.json, and runs as nobody special', async () => {
  const text = await readFile(join(root, 'deploy/Dockerfile'), 'utf8');
  const { dependencies } = createRequire(import.meta.url)('../package.json') as { dependencies: { node: string } };
  const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  assert.deepEqual(new Set(bases), new Set([`node:${dependencies.node}-trixie-slim`]));
  const ignore = await readFile(join(root, 'deploy/Dockerfile.dockerignore'), 'utf8');
  for (const [, names = ''] of text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const name of names.split(' ')) {
      await access(join(root, name));
      assert.ok(ignore.includes(`!${name}\n`), `${name} is not sent to the builder`);
    }
  }
  assert.match(text, /^USER node$/m);
  assert.match(text, /^ENTRYPOINT \["\/opt\/vitrine\/bin\/vitrine"\]$/m);
});

test('two processes behind its nginx are one service, and one of them may stop', {
  skip: postgres.skip || skipWithoutNginx(),
}, async (t) => {
  const folder = await makeServiceFolder(t, { name: 'postgres', skip: false });
  const services = [
    await startServiceIn(t, folder, undefined, undefined, 0),
    await startServiceIn(t, folder, undefined, undefined, 1),
  ];
  const conf = await readFile(join(compose, 'nginx.conf'), 'utf8');
  const url = await startNginx(t, (port) =>
    services.reduce(
      // An address is not looked up, which nginx does since 1.27.3.
      (filled, service, number) => filled.replace(`vitrine${number}:8000 resolve`, new URL(service.url).host),
      // `fetch` names its peer as the host, whatever it is told.
      conf.replace('listen 8000;', `listen 127.0.0.1:${port};`).replaceAll('$http_host', 'example.org'),
    ),
  );
  const asking = (path: string, init?: RequestInit) => ask(url, path, init);
  const bytes = randomBytes(3_000_000);
  const uri = await uploadBytes(asking, bytes);
  const downloadAll = async () => {
    for (let asked = 0; asked < 6; asked += 1) {
      const answer = await asking(pathOf(uri));
      assert.equal(answer.status, 200);
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes));
    }
  };
  await downloadAll();
  await services[0]?.stop();
  await downloadAll();
  for (let sent = 0; sent < 6; sent += 1) await uploadBytes(asking, randomBytes(1000));
});
