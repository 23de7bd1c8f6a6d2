import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeApng } from '../../test/apng.ts';
import { makeBmp, makeIcon } from '../../test/bitmaps.ts';
import { makeHeic } from '../../test/heic.ts';
import { makeJxl, packJxl } from '../../test/jxl.ts';
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
  ['png', makeApng({ ...shape, frames: [{}] })],
  ['bmp', makeBmp(shape)],
  ['bmp', makeBmp({ ...shape, headerBytes: 12 })],
  ['bmp', makeBmp({ ...shape, headerBytes: 124 })],
  ['ico', await makeIcon([shape])],
  ['ico', await makeIcon([shape], 2)],
  ['heic', makeHeic(shape)],
  ['heic', makeHeic({ ...shape, brand: 'heix' })],
  ['heic', makeHeic({ ...shape, brand: 'mif1' })],
  ['jxl', await makeJxl(shape)],
  ['jxl', packJxl(await makeJxl(shape))],
  [undefined, Buffer.alloc(0)],
  [undefined, Buffer.from('BMW is what I drive, and so on and on')],
  [undefined, Buffer.alloc(100)],
  [undefined, Buffer.from('%PDF-1.7')],
  [undefined, Buffer.from('svg is what I like')],
  [undefined, Buffer.from('<html><body>svgs</body></html>')],
  [undefined, Buffer.from(`<!--${'x'.repeat(2000)}--><svg>`)],
  [undefined, Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1')],
  [undefined, Buffer.from('RIFF\0\0\0\0WAVEfmt ', 'latin1')],
] as const) {
  test(`what starts with ${JSON.stringify(bytes.toString('latin1', 0, 12))} is ${format ?? 'no picture that is known'}`, () =>
    assert.equal(findPictureFormat(bytes), format));
}

test('what costs more is decoded only where one of its types is listed', () => {
  const always = ['jpeg', 'png', 'gif', 'webp', 'avif'];
  assert.deepEqual(formatsAllowedBy(['image/png']), always);
  for (const [type, format] of [
    ['image/tiff', 'tiff'],
    ['image/svg+xml', 'svg'],
    ['image/bmp', 'bmp'],
    ['image/x-bmp', 'bmp'],
    ['image/x-ms-bmp', 'bmp'],
    ['image/vnd.microsoft.icon', 'ico'],
    ['image/x-icon', 'ico'],
    ['image/heic', 'heic'],
    ['image/heif', 'heic'],
    ['image/jxl', 'jxl'],
    ['Image/JXL', 'jxl'],
  ] as const) {
    assert.deepEqual(formatsAllowedBy(['image/png', type]), [...always, format]);
  }
  assert.deepEqual(formatsAllowedBy(['image/*']), [...always, 'tiff', 'svg', 'bmp', 'ico', 'heic', 'jxl']);
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
