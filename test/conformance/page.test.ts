import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The groups of requirements on a media repository, and how many each has. */
const GROUPS: Readonly<Record<string, number>> = {
  B: 12,
  C: 11,
  D: 8,
  MXC: 13,
  U: 13,
  CR: 13,
  CFG: 4,
  DL: 14,
  CT: 4,
  CD: 9,
  HD: 5,
  TH: 21,
  PV: 10,
  FZ: 9,
  SEC: 14,
  DISC: 19,
  AS: 7,
  ACC: 9,
  VER: 5,
  XM: 14,
  KEY: 11,
  JSON: 9,
  FED: 23,
};
const ENDPOINTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23];

const required = [
  ...ENDPOINTS.map((number) => `A-${number}`),
  ...Object.entries(GROUPS).flatMap(([group, count]) => Array.from({ length: count }, (_, at) => `${group}-${at + 1}`)),
];
const rows = await readRows();
const shown = await readTitles();

/** By requirement, the text that says by what it is shown. */
async function readRows(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(join(root, 'docs/conformance.md'), 'utf8');
  const found = page.matchAll(/^\| ([A-Z]+-\d+) \| [^|]+ \| ([^|]+) \|$/gm);
  return new Map([...found].map(([, number = '', by = '']) => [number, by]));
}

/** By requirement, the files with a test whose title begins with its number, perhaps among others. */
async function readTitles(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const files = new Map<string, Set<string>>();
  for (const folder of ['src', 'test']) {
    const names = await readdir(join(root, folder), { recursive: true });
    for (const name of names.filter((file) => file.endsWith('.test.ts'))) {
      const file = join(folder, name);
      const text = await readFile(join(root, file), 'utf8');
      for (const [, numbers = ''] of text.matchAll(/\btest\(\s*[`']((?:[A-Z]+-\d+(?:, )?)+):/g)) {
        for (const number of numbers.split(', ')) files.set(number, (files.get(number) ?? new Set()).add(file));
      }
    }
  }
  return files;
}

test('every requirement has a row, in which there are its tests or a reason', () => {
  assert.deepEqual(
    required.filter((number) => !rows.has(number)),
    [],
  );
  assert.deepEqual(
    [...rows.keys()].filter((number) => !required.includes(number)),
    [],
  );
});

test('a row names just the files whose tests have the number in their titles', () => {
  for (const [number, by] of rows) {
    const named = [...by.matchAll(/\]\(\.\.\/([^)]+\.test\.ts)\)/g)].map(([, file]) => file).sort();
    assert.deepEqual(named, [...(shown.get(number) ?? [])].sort(), number);
  }
});

test('no test cites a requirement that there is not', () => {
  assert.deepEqual(
    [...shown.keys()].filter((number) => !required.includes(number)),
    [],
  );
});
