import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeJpeg, makePng } from './pictures.ts';
import { page, playPreviews, SITE } from './played-previews.ts';
import { PREVIEW_PAGES } from './preview-pages.ts';

test('the corpus has at least 60 pages', () => assert.ok(PREVIEW_PAGES.length >= 60));

test('every page of the corpus has the preview that it deserves', async (t) => {
  const { site, preview: ask } = await playPreviews(t);
  const torso = (await makePng({ width: 400, height: 400 })).subarray(0, 25);
  site.answer('/picture.jpg', page(await makeJpeg({ width: 120, height: 80 }), { 'content-type': 'image/jpeg' }));
  site.answer('/torso.png', page(torso, { 'content-type': 'image/png' }));
  site.answer('/page.txt', page('No picture at all, and long enough to be taken for an upload. '.repeat(4)));
  for (const [index, { name, headers, body, preview }] of PREVIEW_PAGES.entries()) {
    await t.test(name, async () => {
      const link = `https://${SITE}/page/${index}`;
      site.answer(`/page/${index}`, page(body, headers));
      const answer = await ask(link);
      assert.equal(answer.status, preview === undefined ? 404 : 200);
      if (preview === undefined) return;
      const told = (await answer.json()) as Record<string, unknown>;
      const expected = JSON.stringify(preview).replaceAll('"LINK"', JSON.stringify(link));
      assert.deepEqual(withPictureAsWord(told), JSON.parse(expected));
    });
  }
});

function withPictureAsWord(told: Record<string, unknown>): Record<string, unknown> {
  const {
    'og:image': image,
    'og:image:type': type,
    'og:image:width': width,
    'og:image:height': height,
    ...rest
  } = told;
  const { 'matrix:image:size': size, ...texts } = rest;
  if (image === undefined) return told;
  assert.match(String(image), /^mxc:\/\/example\.org\//);
  assert.deepEqual([type, width, height], ['image/jpeg', 120, 80]);
  assert.ok(Number.isInteger(size));
  return { ...texts, picture: 'yes' };
}
