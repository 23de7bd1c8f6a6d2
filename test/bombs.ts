import { makeApng } from './apng.ts';
import { makeBmp, makeBmpClaiming } from './bitmaps.ts';
import { deflateZeros } from './deflate-zeros.ts';
import { makeHeicClaiming } from './heic.ts';
import { makeJxlClaiming } from './jxl.ts';
import {
  makeGifOfFrames,
  makeJpeg,
  makePng,
  makePngClaiming,
  makePngWithBomb,
  makeWebp,
  pngChunk,
} from './pictures.ts';
import { makePdf, makeWav } from './recordings.ts';

const shape = { width: 300, height: 200 };
const tone = { seconds: 0.3, channels: [(seconds: number) => Math.sin(2000 * seconds)] };

/** Pictures that claim, repeat or unpack more than anybody may. */
export const PICTURE_BOMBS: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
  'a PNG that claims 50000×50000 pixels': () => makePngClaiming({ width: 50_000, height: 50_000 }),
  'a PNG that claims as many pixels as are allowed, and has none': () => makePngClaiming({ width: 5600, height: 5700 }),
  'a PNG whose text unpacks to a gigabyte': () => makePngWithBomb(),
  'a PNG whose profile unpacks to a gigabyte': async () => {
    const png = await makePng({ width: 200, height: 200 });
    const profile = pngChunk('iCCP', Buffer.concat([Buffer.from('profile\0\0', 'latin1'), deflateZeros(1024)]));
    return Buffer.concat([png.subarray(0, 33), profile, png.subarray(33)]);
  },
  'a JPEG that claims 65,500×65,500 pixels': async () => {
    const jpeg = await makeJpeg({ width: 64, height: 64 });
    const size = jpeg.indexOf(Buffer.from('ffc00011', 'hex')) + 5;
    jpeg.writeUInt16BE(65_500, size);
    jpeg.writeUInt16BE(65_500, size + 2);
    return jpeg;
  },
  'a WebP that claims 16,383×16,383 pixels': async () => {
    const webp = await makeWebp({ width: 64, height: 64 });
    const size = webp.indexOf(Buffer.from('9d012a', 'hex')) + 3;
    webp.writeUInt16LE(16_383, size);
    webp.writeUInt16LE(16_383, size + 2);
    return webp;
  },
  'an SVG of entities that multiply': () => {
    const entities = Array.from({ length: 12 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('');
    return Buffer.from(
      `<!DOCTYPE svg [<!ENTITY e0 "ha">${entities}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&e12;</text></svg>`,
    );
  },
  'an SVG that claims to be endless': () =>
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1e9" height="1e9"/>'),
  'a GIF of 100,000 frames': () => makeGifOfFrames(100_000),
  'a GIF whose frames have too many pixels together': () => makeGifOfFrames(900, { width: 2000, height: 2000 }),
  'an SVG of nested groups': () => Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg">${'<g>'.repeat(200_000)}`),
  'an SVG that uses itself': () =>
    Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g id="a"><use href="#a"/><use href="#a"/></g></svg>',
    ),
  'an SVG of copies of copies': () => {
    const groups = Array.from({ length: 24 }, (_, n) => `<g id="g${n + 1}">${`<use href="#g${n}"/>`.repeat(10)}</g>`);
    return Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><g id="g0"><circle r="9"/></g>${groups.join('')}</svg>`,
    );
  },
  'a TIFF whose directories go in a circle': () =>
    Buffer.from('49492a00080000000100000104000100000010270000010104000100000010270000080000000', 'hex'),
  'an animated PNG of 100,000 frames': () => {
    const png = makeApng({ ...shape, frames: [{}, { width: 1, height: 1 }] });
    const start = png.lastIndexOf('fcTL') - 4;
    const frame = png.subarray(start, -12); // before the end
    return Buffer.concat([png.subarray(0, start), ...Array<Buffer>(100_000).fill(frame), png.subarray(-12)]);
  },
  'an animated PNG of large frames': () =>
    makeApng({ width: 1000, height: 1000, frames: Array.from({ length: 40 }, () => ({ width: 1, height: 1 })) }),
  'a BMP that claims as many pixels as are allowed, and has none': () => makeBmpClaiming({ width: 5600, height: 5700 }),
  'a BMP that claims as many pixels as are allowed, in runs': () => {
    const bmp = makeBmp({ width: 8, height: 8, bits: 8, runs: 'plain' });
    bmp.writeInt32LE(5600, 18);
    bmp.writeInt32LE(5700, 22);
    return bmp;
  },
  'an icon of 65,535 pictures': () => Buffer.concat([Buffer.from('00000100ffff', 'hex'), Buffer.alloc(65_535 * 16, 6)]),
  'a HEIC that claims as many pixels as are allowed': () => makeHeicClaiming({ width: 5600, height: 5700 }),
  'a JPEG XL that claims as many pixels as are allowed': () => makeJxlClaiming({ width: 5600, height: 5700 }),
  'a file of zeros': () => Buffer.alloc(5_000_000),
};

/** The same for what programs read. */
export const MEDIA_BOMBS: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
  'a PDF whose pages go in a circle': () =>
    Buffer.from(
      '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj trailer<</Root 1 0 R>>',
    ),
  'a PDF without a page': () => Buffer.from('%PDF-1.4\ntrailer<<>>\n%%EOF'),
  'a WAV that claims four gigabytes': () => {
    const wav = makeWav(tone);
    wav.writeUInt32LE(0xffff_ffff, 4);
    wav.writeUInt32LE(0xffff_fff0, 40);
    return wav;
  },
  'a WAV with 60,000 channels': () => {
    const wav = makeWav(tone);
    wav.writeUInt16LE(60_000, 22);
    return wav;
  },
  'an MP3 whose tag claims to be larger than the file': () => Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7fAPIC', 'latin1'),
  'a Matroska of nothing but its beginning': () => Buffer.from('1a45dfa3ffffffffffffffff', 'hex'),
  'an MP4 whose index claims four billion entries': () => {
    const box = (type: string, content: Buffer) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(8 + content.length);
      head.write(type, 4, 'latin1');
      return Buffer.concat([head, content]);
    };
    const tables = ['stts', 'stsc', 'stsz', 'stco', 'ctts', 'stss'].map((type) =>
      box(type, Buffer.from('00000000fffffff0fffffff0ffffffff', 'hex')),
    );
    const track = ['stbl', 'minf', 'mdia', 'trak', 'moov'].reduce(
      (inner, type) => box(type, inner),
      Buffer.concat(tables),
    );
    return Buffer.concat([Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1'), track]);
  },
  'a PDF of a page as large as a country': () => makePdf({ width: 1_000_000_000, height: 1_000_000_000 }),
  'an MP4 of boxes in boxes': () => {
    const depth = 20_000;
    const boxes = Buffer.alloc(16 + 8 * depth);
    boxes.write('\0\0\0\x10ftypisom\0\0\0\0', 'latin1');
    for (let level = 0; level < depth; level += 1) {
      boxes.writeUInt32BE(8 * (depth - level), 16 + 8 * level);
      boxes.write(level === 0 ? 'moov' : 'trak', 20 + 8 * level);
    }
    return boxes;
  },
  'megabytes of zeros behind a beginning': () =>
    Buffer.concat([Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1'), Buffer.alloc(5_000_000)]),
};
