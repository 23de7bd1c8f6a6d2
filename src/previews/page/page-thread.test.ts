import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoPreview } from '../fetch/no-preview.ts';
import { createPageThread } from './page-thread.ts';

const HTML = { charset: undefined, syntax: 'html' } as const;
const bytes = (text: string) => Buffer.from(text);

test('pages are read beside each other, piece by piece', async () => {
  await using thread = createPageThread();
  using one = thread.open({ charset: 'utf-8', syntax: 'html' });
  using other = thread.open({ charset: 'windows-1251', syntax: 'html' });
  await Promise.all([one.write(bytes('<title>on')), other.write(Buffer.from([0x3c, 0x68, 0x31, 0x3e, 0xcf, 0xf0]))]);
  await one.write(bytes('e</title>'));
  const [first, second] = await Promise.all([one.end(), other.end()]);
  assert.deepEqual([...first.headings], [['title', 'one']]);
  assert.equal(second.text, 'Пр');
});

test('a page that has said all is done, however its bytes lie in memory', async () => {
  await using thread = createPageThread();
  using page = thread.open(HTML);
  const metas = ['title', 'description', 'image'].map((name) => `<meta property="og:${name}" content="${name}">`);
  const head = bytes(`before${metas.join('')}<body>${' '.repeat(20_000)}`);
  assert.equal(await page.write(head.subarray('before'.length)), true);
  assert.equal((await page.end()).openGraphImage, 'image');
  assert.equal(head.subarray(0, 6).toString(), 'before');
});

test('a page over which the thread takes too long has no preview', async () => {
  await using thread = createPageThread(1);
  using slow = thread.open(HTML); // the thread has not even started by then
  await assert.rejects(slow.write(bytes('<title>x')), (error) => error instanceof NoPreview && !error.isLasting);
  await assert.rejects(slow.end(), NoPreview);
});

test('what is open when the thread is closed is told so', async () => {
  const thread = createPageThread();
  const page = thread.open(HTML);
  const writing = assert.rejects(page.write(bytes('<p>')), NoPreview);
  await thread[Symbol.asyncDispose]();
  await writing;
  page[Symbol.dispose]();
});
