import assert from 'node:assert/strict';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { ConfigError, formatProblem, loadConfig } from '../src/config/index.ts';
import { readFences, readTitles } from './markdown.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = await listPages();
const pages = await Promise.all(files.map(async (file) => ({ file, text: await readFile(join(root, file), 'utf8') })));

/** The pages at the top, and all below docs/, relative to the repository. */
async function listPages(): Promise<string[]> {
  const top = (await readdir(root)).filter((name) => name.endsWith('.md'));
  const below = (await readdir(join(root, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));
  return [...top, ...below.map((name) => join('docs', name))].sort();
}

test('every page below docs/ can be found from its index', async () => {
  const index = pages.find(({ file }) => file === 'docs/README.md')?.text ?? '';
  const linked = readLinks(index).map(({ target }) => join('docs', target));
  const missing = files.filter((file) => file.startsWith('docs/') && file !== 'docs/README.md').filter(isNotIn(linked));
  assert.deepEqual(missing, []);
});

for (const { file, text } of pages) {
  test(`${file}: every link within the repository leads somewhere`, async () => {
    const dead: string[] = [];
    for (const { target, title } of readLinks(text)) {
      const path = target === '' ? join(root, file) : resolve(root, dirname(file), target);
      const isThere = await access(path).then(
        () => true,
        () => false,
      );
      if (!isThere || relative(root, path).startsWith('..')) dead.push(target);
      else if (title !== '' && !readTitles(await readFile(path, 'utf8')).has(title)) dead.push(`${target}#${title}`);
    }
    assert.deepEqual(dead, []);
  });

  test(`${file}: no path of the machine that it was written on`, () => {
    const home = homedir() === '/' ? [] : [homedir()];
    const suspects = [...home, resolve(root), '/tmp/', '/home/', '/root/', '/Users/'];
    const found = suspects.filter((path) => text.includes(path));
    assert.deepEqual(found, []);
  });

  for (const { language, title, line, body } of readFences(text)) {
    if (language !== 'yaml') continue;
    if (title !== '') {
      test(`${file}: ${title} is correct YAML`, () => assert.doesNotThrow(() => parse(body)));
      continue;
    }
    test(`${file}: the configuration in line ${line} can be loaded, and names options that exist`, async (t) => {
      assert.deepEqual(await complaintsAbout(t, body), []);
    });
  }
}

test('an option that does not exist would be found', async (t) => {
  assert.match((await complaintsAbout(t, 'uploads:\n  maxBites: 1\n')).join(), /uploads\.maxBites/);
  assert.match((await complaintsAbout(t, 'uploads:\n  maxBytes: many\n')).join(), /uploads\.maxBytes/);
  const opts = '{ endpoint: s3.example.org, bucketName: media, storageClas: STANDARD }';
  const bucket = `datastores:\n  - { type: s3, id: media, forKinds: [all], opts: ${opts} }\n`;
  assert.match((await complaintsAbout(t, bucket)).join(), /opts\.storageClas: .* did you mean "storageClass"/);
});

test('the page of each provider of S3 has the same parts, an example, and what the doctor says when all is well', () => {
  const common = pages.find(({ file }) => file === 'docs/datastores/s3.md')?.text ?? '';
  const table = common.slice(common.indexOf('## Providers'), common.indexOf('## Addresses'));
  const providers = readLinks(table).map(({ target }) => join('docs/datastores', target));
  const found = pages.filter(({ file }) => providers.includes(file) && file !== 'docs/datastores/redirects.md');
  assert.ok(found.length >= 6, 'there are pages of providers');
  for (const { file, text } of found) {
    const titles = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    const parts = ['The bucket and the key', 'What is different here', 'See that it works', 'When it does not'];
    assert.deepEqual(titles, parts, file);
    const [example, ...others] = readFences(text).filter(({ language }) => language === 'yaml');
    const { datastores } = parse(example?.body ?? '') as { datastores: [{ id: string; opts: Record<string, string> }] };
    assert.equal(others.length, 0, file);
    assert.ok('endpoint' in datastores[0].opts && 'bucketName' in datastores[0].opts, file);
    assert.match(text, /^# ok {7}datastore media: an object was stored, read and deleted$/m, file);
  }
});

test('docs/contributing/dependencies.md has a line for each package in package.json, and no other', async () => {
  const page = await readFile(join(root, 'docs/contributing/dependencies.md'), 'utf8');
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [, runTime = '', development = ''] = page.split(/^## /m);
  assert.deepEqual(readPackages(runTime), Object.keys(dependencies).sort());
  assert.deepEqual(readPackages(development), Object.keys(devDependencies).sort());
});

function readPackages(section: string): string[] {
  return [...section.matchAll(/^\| `([^`]+)` \| \S/gm)].map(([, name = '']) => name);
}

interface Link {
  /** The path before `#`; empty for one within the page. */
  readonly target: string;
  readonly title: string;
}

/** Relative ones, outside of code. */
function readLinks(text: string): Link[] {
  const prose = text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, address = '']) => address)
    .filter((address) => !/^[a-z]+:/.test(address))
    .map((address) => {
      const [target = '', title = ''] = address.split('#');
      return { target, title };
    });
}

function isNotIn(known: readonly string[]): (file: string) => boolean {
  return (file) => !known.includes(file);
}

const BASE = {
  database: { sqlite: 'vitrine.db' },
  homeservers: [{ name: 'example.org', csApi: 'http://localhost:8008' }],
  datastores: [{ type: 'file', id: 'main', forKinds: ['all'], opts: { path: './media' } }],
};

/** What a start would say about this piece of configuration, in a folder with the least that a start needs. */
async function complaintsAbout(
  t: { after(clean: () => Promise<void>): void },
  fragment: string,
): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-docs-'));
  t.after(() => rm(folder, { recursive: true }));
  const given = parse(fragment) as Readonly<Record<string, unknown>>;
  // A section of the page's own takes the place of the base's: of databases, for one, a start wants exactly one.
  const isOfDomain = 'homeserver' in given;
  const base = Object.entries(BASE).filter(([name]) => isOfDomain || !(name in given));
  await writeFile(join(folder, '1.yaml'), stringify(Object.fromEntries(base)));
  await writeFile(join(folder, '2.yaml'), fragment);
  try {
    const { warnings } = await loadConfig(folder);
    return warnings.map(formatProblem);
  } catch (error) {
    if (error instanceof ConfigError) return [error.message];
    throw error;
  }
}
