import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAvif, makeGif, makeJpeg, makePng, makeSvg, makeTiff, makeWebp } from '../../test/pictures.ts';
import { coversType, findPictureFormat, formatsAllowedBy } from './picture-format.ts';

const shape = { width: 16, height: 16 };

for (const [format, bytes] of [
  ['jpeg', await makeJpeg(shape)],
  ['png', await makePng(shape)],
  ['gif', await makeGif(shape)],
  ['webp', await makeWebp(shape)],
  ['avif', await makeAvif(shape)],
  ['tiff', await makeTiff(shape)],
  ['svg', makeSvg(shape)],
  ['svg', Buffer.from('\ufeff<?xml version="1.0"?>\n<!-- drawn by hand --><svg>')],
  [undefined, Buffer.alloc(0)],
  [undefined, Buffer.from('%PDF-1.7')],
  [undefined, Buffer.from('svg is what I like')],
  [undefined, Buffer.from('<html><body>svgs</body></html>')],
  [undefined, Buffer.from(`<!--${'x'.repeat(2000)}--><svg>`)],
  [undefined, Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
  [undefined, Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1')],
] as const) {
  test(`what starts with ${JSON.stringify(bytes.toString('latin1', 0, 12))} is ${format ?? 'no picture that is known'}`, () =>
    assert.equal(findPictureFormat(bytes), format));
}

test('TIFF and SVG are decoded only where they are listed', () => {
  const always = ['jpeg', 'png', 'gif', 'webp', 'avif'];
  assert.deepEqual(formatsAllowedBy(['image/png']), always);
  assert.deepEqual(formatsAllowedBy(['image/png', 'image/svg+xml', 'image/tiff']), [...always, 'tiff', 'svg']);
});

for (const [listed, type, isCovered] of [
  [['image/png'], 'image/png', true],
  [['image/png'], 'image/pngx', false],
  [['image/PNG'], 'image/png', true],
  [['image/*'], 'image/heic', true],
  [['image/*'], 'video/mp4', false],
  [['image/x-*', 'image/png'], 'image/x-bmp', true],
  [['*/*'], 'image/png', true],
  [['image/svg+xml'], 'image/svgggxml', false],
  [['image/vnd.microsoft.icon'], 'image/vndxmicrosoft.icon', false],
  [[], 'image/png', false],
] as const) {
  test(`${type} is ${isCovered ? 'covered' : 'not covered'} by ${JSON.stringify(listed)}`, () =>
    assert.equal(coversType(listed, type), isCovered));
}
