import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openLog } from './log.ts';

const DAY_MS = 24 * 3_600_000;
const FIRST_OF_MAY = Date.UTC(2024, 4, 1);

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-log-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

function openIn(directory: string, now: () => number, output: (line: string) => void = () => {}) {
  return openLog({ level: 'info', colors: false, json: true, directory, now, output });
}

/** The messages of a file, in order. */
async function messagesOf(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
}

/** What is written to the standard error meanwhile. */
function catchComplaints(t: TestContext): string[] {
  const complaints: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => complaints.push(text) > 0);
  return complaints;
}

test('what is logged until the end is in the file of the day, and the link leads to it', async (t) => {
  const folder = join(await makeFolder(t), 'logs');
  const written = Array.from({ length: 5_000 }, (_, number) => `line ${number}`);
  {
    await using opened = openIn(folder, () => FIRST_OF_MAY + 1);
    for (const message of written) opened.log.info(message);
  }
  assert.deepEqual((await readdir(folder)).sort(), ['media_repo.log', 'media_repo.log.202405010000']);
  assert.equal(await readlink(join(folder, 'media_repo.log')), 'media_repo.log.202405010000');
  assert.deepEqual(await messagesOf(join(folder, 'media_repo.log')), written);
});

test('lines that are logged while others are being written are not lost either', async (t) => {
  const folder = await makeFolder(t);
  const padding = 'x'.repeat(100_000);
  const opened = openIn(folder, () => FIRST_OF_MAY);
  for (let number = 0; number < 20; number++) opened.log.info({ padding }, `line ${number}`);
  await new Promise(setImmediate);
  for (let number = 20; number < 40; number++) opened.log.info({ padding }, `line ${number}`);
  await opened[Symbol.asyncDispose]();
  const messages = await messagesOf(join(folder, 'media_repo.log'));
  assert.deepEqual(messages.sort(), Array.from({ length: 40 }, (_, number) => `line ${number}`).sort());
});

test('a restart on the same day goes on in the same file', async (t) => {
  const folder = await makeFolder(t);
  for (const message of ['before', 'after']) {
    await using opened = openIn(folder, () => FIRST_OF_MAY);
    opened.log.info(message);
  }
  assert.deepEqual(await messagesOf(join(folder, 'media_repo.log')), ['before', 'after']);
});

test('the first line after midnight, UTC, begins a new file, and the link follows', async (t) => {
  const folder = await makeFolder(t);
  let now = FIRST_OF_MAY + DAY_MS - 1;
  {
    await using opened = openIn(folder, () => now);
    opened.log.info('last of the day');
    now += 1;
    opened.log.info('first of the day');
  }
  assert.equal(await readlink(join(folder, 'media_repo.log')), 'media_repo.log.202405020000');
  assert.deepEqual(await messagesOf(join(folder, 'media_repo.log.202405010000')), ['last of the day']);
  assert.deepEqual(await messagesOf(join(folder, 'media_repo.log.202405020000')), ['first of the day']);
});

test('files older than 14 days are removed when a day begins; other files and links are left alone', async (t) => {
  const folder = await makeFolder(t);
  const make = async (name: string, ageMs: number) => {
    await writeFile(join(folder, name), '');
    await utimes(join(folder, name), new Date(FIRST_OF_MAY - ageMs), new Date(FIRST_OF_MAY - ageMs));
  };
  await make('media_repo.log.202404160000', 14 * DAY_MS + 1);
  await make('media_repo.log.202404170000', 14 * DAY_MS - 1_000);
  await make('notes.txt', 100 * DAY_MS);
  await symlink('nowhere', join(folder, 'media_repo.log.dangling'));
  const complaints = catchComplaints(t);
  {
    await using opened = openIn(folder, () => FIRST_OF_MAY);
    opened.log.info('hello');
  }
  const left = (await readdir(folder)).sort();
  assert.deepEqual(left, [
    'media_repo.log',
    'media_repo.log.202404170000',
    'media_repo.log.202405010000',
    'media_repo.log.dangling',
    'notes.txt',
  ]);
  assert.deepEqual(complaints, []);
});

test('a folder that cannot be written is complained about once, and the service goes on', async (t) => {
  const blocked = join(await makeFolder(t), 'blocked');
  await writeFile(blocked, '');
  const complaints = catchComplaints(t);
  const shown: string[] = [];
  let now = FIRST_OF_MAY;
  {
    await using opened = openIn(
      join(blocked, 'logs'),
      () => now,
      (line) => shown.push(line),
    );
    opened.log.info('one');
    now += DAY_MS;
    opened.log.info('two');
  }
  assert.equal(shown.length, 2);
  assert.equal(complaints.length, 1);
  assert.match(complaints[0] ?? '', /Log files in .*blocked\/logs cannot be written: .*ENOTDIR/);
});

test('a full disk is complained about once, and the service goes on', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const folder = await makeFolder(t);
  await symlink('/dev/full', join(folder, 'media_repo.log.202405010000'));
  const complaints = catchComplaints(t);
  const shown: string[] = [];
  const opened = openIn(
    folder,
    () => FIRST_OF_MAY,
    (line) => shown.push(line),
  );
  opened.log.info('one');
  await new Promise(setImmediate);
  opened.log.info('two');
  await opened[Symbol.asyncDispose]();
  assert.equal(shown.length, 2);
  assert.equal(complaints.length, 1);
  assert.match(complaints[0] ?? '', /ENOSPC/);
});

for (const directory of ['', '-']) {
  test(`with the folder ${JSON.stringify(directory)} no files are made`, async (t) => {
    const folder = await makeFolder(t);
    t.mock.method(process, 'cwd', () => folder);
    await using opened = openIn(directory, () => FIRST_OF_MAY);
    opened.log.info('hello');
    assert.deepEqual(await readdir(folder), []);
  });
}
