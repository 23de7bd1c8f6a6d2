import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import pino from 'pino';
import sharp, { type Sharp } from 'sharp';
import { defaultConfig } from '../src/config/index.ts';
import {
  createExtractor,
  createThumbnailer,
  findNeededPrograms,
  type Method,
  openPictureSource,
  type Size,
} from '../src/thumbnails/index.ts';
import { makeMovingPng } from './apng.ts';
import { makeBmp, makeIcon } from './bitmaps.ts';
import {
  assertShows,
  type Drawing,
  fields,
  type Hue,
  type Palette,
  paintFields,
  quartersOf,
} from './compare-pixels.ts';
import { makeHeic } from './heic.ts';
import { makeJxl, packJxl, SPECIAL_JXL } from './jxl.ts';
import {
  animationOf,
  COLOURS,
  coloursOf,
  frameOf,
  makeAvif,
  makeGif,
  makeJpeg,
  makePng,
  makeSvg,
  makeTiff,
  makeWebp,
  rgbAt,
  sizeOf,
  timesOf,
  UPRIGHT,
  UPSIDE_DOWN,
} from './pictures.ts';
import { playObject } from './played-media.ts';
import { skipWithoutPrograms } from './programs.ts';
import { makePdf, makeSound, makeVideo, makeWav } from './recordings.ts';

const skip = skipWithoutPrograms();
const log = pino({ enabled: false });
const { signal } = new AbortController();
const types = ['image/*', 'video/*', 'audio/*', 'application/pdf'];
const domain = { thumbnails: { ...defaultConfig().thumbnails, types } };
const tempPath = await mkdtemp(join(tmpdir(), 'vitrine-matrix-'));
const programs = await findNeededPrograms(types, process.env['PATH'] ?? '', log, signal);
const extractor = createExtractor({ programs, log, tempPath });
const thumbnailer = createThumbnailer({ log, maxWorkers: 1 });
after(async () => {
  await extractor[Symbol.asyncDispose]();
  await thumbnailer[Symbol.asyncDispose]();
  await rm(tempPath, { recursive: true, force: true });
});

interface Asked {
  readonly size: Size;
  readonly method: Method;
  readonly animated: boolean;
}

async function render(bytes: Buffer, asked: Asked) {
  const wanted = { ...asked, stillFrame: 0 };
  const { source, limits } = await openPictureSource(extractor, playObject(bytes), wanted, domain, signal);
  const rendered = await thumbnailer.render(source, { ...wanted, ...limits }, signal);
  assert.deepEqual(await readdir(tempPath), []);
  return rendered;
}

const SOURCE = { width: 120, height: 80 };
const METHODS = ['scale', 'crop'] as const;

/** What is asked for, and how large a thumbnail is by either method. */
function sizesFor(source: Size) {
  const { width, height } = source;
  const side = width / 2;
  const scale =
    width >= height
      ? { width: side, height: Math.trunc((side * height) / width) }
      : { width: Math.trunc((side * width) / height), height: side };
  const square = { width: side, height: side };
  return {
    smaller: { asked: square, scale, crop: square },
    equal: { asked: source, scale: source, crop: source },
    larger: { asked: { width: 2.5 * width, height: 3 * height }, scale: source, crop: source },
  } as const;
}
const SIZES = sizesFor(SOURCE);

/** How far a channel may be off. Lossless ones still pass through resampling. */
const EXACT = 2;
const LOSSY = 20;
/** YCbCr of a video that does not say which one: 601, 8 bits in the narrow range. */
const VIDEO = 24;
/** What the inks of CMYK can do for the colours of the drawing, by the profile that the pictures carry. */
const PRINTED: Palette = { red: [223, 42, 26], green: [112, 160, 37], blue: [33, 60, 120], yellow: [231, 207, 0] };

interface Still {
  readonly make: () => Buffer | Promise<Buffer>;
  readonly becomes: 'image/jpeg' | 'image/png';
  readonly tolerance: number;
  /** As what a picture is sent that is no larger than its thumbnail. */
  readonly sentAs?: string;
  /** 120×80 if it is not given. */
  readonly size?: Size;
  readonly drawing?: Drawing;
  readonly colours?: Palette;
  readonly needsPrograms?: boolean;
}

const TRANSPARENT: readonly Hue[] = ['red', 'green', 'blue', 'transparent'];
const transparent = { becomes: 'image/png', drawing: quartersOf(SOURCE, TRANSPARENT) } as const;
const jpeg = { becomes: 'image/jpeg', tolerance: LOSSY, sentAs: 'image/jpeg' } as const;
const png = { becomes: 'image/png', tolerance: EXACT, sentAs: 'image/png' } as const;
const webp = { becomes: 'image/jpeg', tolerance: LOSSY, sentAs: 'image/webp' } as const;
const photograph = { becomes: 'image/jpeg', tolerance: LOSSY } as const;
const bitmap = { becomes: 'image/png', tolerance: EXACT } as const;
/** HEIC is made of tiles of 64 pixels. */
const GRID = { width: 256, height: 128 };
const TURNED_GRID = { width: 128, height: 256 };
const heic = { ...photograph, size: GRID };
const small = { size: { width: 48, height: 32 } };
const framed = (encode: (picture: Sharp) => Sharp) => ({
  drawing: fields,
  make: () => encode(sharp(paintFields(SOURCE), { raw: { ...SOURCE, channels: 3 } })).toBuffer(),
});

const STILLS: Readonly<Record<string, Still>> = {
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => [
      `JPEG of orientation ${orientation}`,
      { ...jpeg, make: () => makeJpeg({ ...SOURCE, orientation }) },
    ]),
  ),
  JPEG: { ...jpeg, ...framed((picture) => picture.jpeg({ quality: 95, chromaSubsampling: '4:4:4' })) },
  'JPEG in Display P3': { ...jpeg, make: () => makeJpeg({ ...SOURCE, colours: 'p3' }) },
  'JPEG in CMYK': { ...jpeg, colours: PRINTED, make: () => makeJpeg({ ...SOURCE, colours: 'cmyk' }) },
  PNG: { ...png, ...framed((picture) => picture.png()) },
  'PNG of 16 bits a channel': { ...png, make: () => makePng({ ...SOURCE, bits: 16 }) },
  'PNG with transparency': { ...png, ...transparent, make: () => makePng({ ...SOURCE, alpha: true }) },
  'PNG of orientation 6': { ...png, make: () => makePng({ ...SOURCE, orientation: 6 }) },
  GIF: { ...png, sentAs: 'image/gif', tolerance: 8, ...framed((picture) => picture.gif({ dither: 0 })) },
  'GIF with transparency': {
    ...{ ...png, sentAs: 'image/gif', tolerance: 8, ...transparent },
    make: async () =>
      await sharp(await makePng({ ...SOURCE, alpha: true }))
        .gif({ dither: 0 })
        .toBuffer(),
  },
  WebP: { ...webp, ...framed((picture) => picture.webp({ lossless: true })) },
  'WebP of orientation 6': { ...webp, make: () => makeWebp({ ...SOURCE, orientation: 6 }) },
  'WebP with transparency': {
    ...{ ...webp, ...transparent },
    make: async () =>
      await sharp(await makePng({ ...SOURCE, alpha: true }))
        .webp({ quality: 95 })
        .toBuffer(),
  },
  AVIF: { ...photograph, ...framed((picture) => picture.avif({ lossless: true, effort: 0 })) },
  'AVIF of orientation 6': { ...photograph, make: () => makeAvif({ ...SOURCE, orientation: 6 }) },
  HEIC: { ...heic, make: () => makeHeic(GRID) },
  'HEIC of 10 bits a channel': { ...heic, make: () => makeHeic({ ...GRID, bits: 10 }) },
  'HEIC with transparency': {
    ...{ ...heic, becomes: 'image/png', drawing: quartersOf(GRID, TRANSPARENT) },
    make: () => makeHeic({ ...GRID, alpha: true }),
  },
  'HEIC that is turned': {
    ...{ ...heic, size: TURNED_GRID, drawing: quartersOf(TURNED_GRID, ['blue', 'red', 'yellow', 'green']) },
    make: () => makeHeic({ ...GRID, quarters: 3 }),
  },
  'HEIC that is mirrored': {
    ...{ ...heic, drawing: quartersOf(GRID, ['green', 'red', 'yellow', 'blue']) },
    make: () => makeHeic({ ...GRID, mirrored: 'left and right' }),
  },
  'JPEG XL': { ...bitmap, tolerance: 6, make: () => makeJxl(SOURCE) },
  'JPEG XL in a container': { ...bitmap, tolerance: 6, make: async () => packJxl(await makeJxl(SOURCE), 100) },
  'JPEG XL of orientation 6': { ...photograph, ...small, make: () => SPECIAL_JXL['of orientation 6'] },
  'JPEG XL in Display P3': { ...photograph, ...small, make: () => SPECIAL_JXL['in Display P3'] },
  'JPEG XL of 16 bits a channel': { ...photograph, ...small, make: () => SPECIAL_JXL['of 16 bits a channel'] },
  'JPEG XL with transparency': {
    ...{ ...photograph, ...transparent, ...small, drawing: quartersOf(small.size, TRANSPARENT) },
    make: () => SPECIAL_JXL['with a transparent corner'],
  },
  TIFF: { ...bitmap, ...framed((picture) => picture.tiff({ compression: 'lzw' })) },
  'TIFF of orientation 6': { ...bitmap, make: () => makeTiff({ ...SOURCE, orientation: 6 }) },
  'TIFF in CMYK': { ...bitmap, colours: PRINTED, make: () => makeTiff({ ...SOURCE, colours: 'cmyk' }) },
  BMP: { ...bitmap, make: () => makeBmp(SOURCE) },
  'BMP in runs': { ...bitmap, make: () => makeBmp({ ...SOURCE, bits: 8, runs: 'plain' }) },
  icon: { ...bitmap, make: () => makeIcon([{ width: 16, height: 16 }, SOURCE]) },
  'icon with a mask': { ...bitmap, ...transparent, make: () => makeIcon([{ ...SOURCE, masked: true }]) },
  'icon of a PNG': { ...bitmap, make: () => makeIcon([{ ...SOURCE, png: true }]) },
  SVG: { ...bitmap, make: () => makeSvg(SOURCE) },
  MP4: { ...photograph, tolerance: VIDEO, needsPrograms: true, make: () => makeVideo('mp4', SOURCE) },
  WebM: { ...photograph, tolerance: VIDEO, needsPrograms: true, make: () => makeVideo('webm', SOURCE) },
  MKV: { ...photograph, tolerance: VIDEO, needsPrograms: true, make: () => makeVideo('mkv', SOURCE) },
  MOV: { ...photograph, tolerance: VIDEO, needsPrograms: true, make: () => makeVideo('mov', SOURCE) },
};

for (const [name, still] of Object.entries(STILLS)) {
  test(`${name}: what is in the picture is in its thumbnail, in any size, by either method`, {
    skip: still.needsPrograms ? skip : false,
  }, async () => {
    const bytes = await still.make();
    const { size = SOURCE, drawing = quartersOf(size) } = still;
    for (const [which, { asked, ...expected }] of Object.entries(sizesFor(size))) {
      for (const method of METHODS) {
        for (const animated of still.needsPrograms ? [false] : [false, true]) {
          const what = `${which}, ${method}${animated ? ', animated' : ''}`;
          const rendered = await render(bytes, { size: asked, method, animated });
          if (still.sentAs !== undefined && which !== 'smaller') {
            assert.deepEqual(rendered, { kind: 'original', contentType: still.sentAs }, what);
            continue;
          }
          assert.ok(rendered.kind === 'picture', what);
          assert.deepEqual([rendered.contentType, rendered.animated], [still.becomes, false], what);
          assert.deepEqual(await sizeOf(rendered.bytes), expected[method], what);
          assert.deepEqual(await coloursOf(rendered.bytes), { space: 'srgb', depth: 'uchar', hasProfile: false }, what);
          await assertShows(rendered.bytes, size, drawing, {
            method,
            tolerance: still.tolerance,
            what,
            colours: still.colours,
          });
        }
      }
    }
  });
}

for (const [name, make, stillType, sentAs] of [
  ['GIF', makeGif, 'image/png', 'image/gif'],
  ['WebP', makeWebp, 'image/jpeg', 'image/webp'],
  ['APNG', async (shape: Size & { readonly frames: number }) => makeMovingPng(shape), 'image/png', 'image/png'],
] as const) {
  test(`${name} that moves: every frame, or the first one, in any size, by either method`, async () => {
    const bytes = await make({ ...SOURCE, frames: 3 });
    const times = name === 'APNG' ? { delay: [50, 60, 70], loop: 2 } : await timesOf(bytes);
    for (const [which, { asked, ...expected }] of Object.entries(SIZES)) {
      for (const method of METHODS) {
        const look = { method, tolerance: LOSSY + 8, what: `${which}, ${method}` };
        const still = await render(bytes, { size: asked, method, animated: false });
        assert.ok(still.kind === 'picture' && !still.animated, look.what);
        assert.equal(still.contentType, stillType, look.what);
        assert.deepEqual(await sizeOf(still.bytes), expected[method], look.what);
        await assertShows(still.bytes, SOURCE, quartersOf(SOURCE), look);
        const moving = await render(bytes, { size: asked, method, animated: true });
        if (which !== 'smaller') {
          assert.deepEqual(moving, { kind: 'original', contentType: sentAs }, look.what);
          continue;
        }
        assert.ok(moving.kind === 'picture' && moving.animated, look.what);
        assert.equal(moving.contentType, 'image/webp', look.what);
        assert.deepEqual(await animationOf(moving.bytes), { frames: 3, ...expected[method], ...times });
        for (const [frame, corners] of [UPRIGHT, UPSIDE_DOWN, UPRIGHT].entries()) {
          await assertShows(await frameOf(moving.bytes, frame), SOURCE, quartersOf(SOURCE, corners), look);
        }
      }
    }
  });
}

test('PDF: its first page is in its thumbnail, in any size, by either method', { skip }, async () => {
  const bytes = makePdf(SOURCE);
  for (const [which, { asked, ...expected }] of Object.entries(SIZES)) {
    for (const method of METHODS) {
      const what = `${which}, ${method}`;
      const rendered = await render(bytes, { size: asked, method, animated: false });
      assert.ok(rendered.kind === 'picture', what);
      assert.equal(rendered.contentType, 'image/png', what);
      // A page has no pixels of its own: it is drawn as large as it is asked for.
      const page = method === 'scale' ? { width: 300, height: 200 } : asked;
      assert.deepEqual(await sizeOf(rendered.bytes), which === 'larger' ? page : expected[method], what);
      await assertShows(rendered.bytes, SOURCE, quartersOf(SOURCE), { method, tolerance: 4, what });
    }
  }
});

const BACKGROUND = [41, 57, 92];
const WAVE = [240, 240, 240];
const tone = { seconds: 0.5, channels: [(seconds: number) => Math.sin(2000 * seconds)] };
for (const [name, make] of Object.entries({
  MP3: () => makeSound('mp3', tone),
  FLAC: () => makeSound('flac', tone),
  OGG: () => makeSound('ogg', tone),
  Opus: () => makeSound('opus', tone),
  WAV: async () => makeWav(tone),
  M4A: () => makeSound('m4a', tone),
})) {
  test(`${name}: its wave is drawn in exactly the size, by either method`, { skip }, async () => {
    const bytes = await make();
    for (const [which, { asked }] of Object.entries(SIZES)) {
      for (const method of METHODS) {
        const rendered = await render(bytes, { size: asked, method, animated: false });
        assert.ok(rendered.kind === 'picture', which);
        assert.equal(rendered.contentType, 'image/png');
        assert.deepEqual(await sizeOf(rendered.bytes), asked);
        for (const [x, y] of [
          [2, 2],
          [asked.width - 3, asked.height - 3],
        ] as const) {
          assert.deepEqual(await rgbAt(rendered.bytes, x, y), BACKGROUND, which);
        }
        const middle = await rgbAt(rendered.bytes, Math.floor(asked.width / 2), Math.floor(asked.height / 2));
        assert.deepEqual(middle, WAVE, which);
      }
    }
  });
}

test('sound with a cover: the cover is at the left, the wave beside it', { skip }, async () => {
  const bytes = await makeSound('mp3', tone, await makePng({ width: 90, height: 90 }));
  for (const { asked } of [SIZES.equal, SIZES.larger]) {
    for (const method of METHODS) {
      const rendered = await render(bytes, { size: asked, method, animated: false });
      assert.ok(rendered.kind === 'picture');
      assert.deepEqual(await sizeOf(rendered.bytes), asked);
      const [left, middle] = [16, Math.floor(asked.height / 2)];
      const upper = await rgbAt(rendered.bytes, left + 6, middle - 10);
      const lower = await rgbAt(rendered.bytes, left + 6, middle + 10);
      assert.deepEqual([upper, lower], [[...COLOURS.red], [...COLOURS.blue]]);
    }
  }
});
