import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { deflateZeros } from './deflate-zeros.ts';

const RED = 'red';
const GREEN = 'green';
const BLUE = 'blue';
const YELLOW = 'yellow';

export const COLOURS = {
  red: [230, 20, 20],
  green: [20, 200, 20],
  blue: [20, 20, 230],
  yellow: [230, 220, 20],
} as const;
export type Colour = keyof typeof COLOURS;
/** Upper left, upper right, lower left, lower right. */
export type Corners = readonly [Colour, Colour, Colour, Colour];

/** The corners of every picture made here, as it is meant to be seen. */
export const UPRIGHT: Corners = [RED, GREEN, BLUE, YELLOW];

/** The corners of every second frame. */
export const UPSIDE_DOWN: Corners = [BLUE, YELLOW, RED, GREEN];

export interface PictureShape {
  /** As it is meant to be seen. */
  readonly width: number;
  readonly height: number;
}

/** EXIF, 1 to 8; the pixels are stored turned, so that the picture is seen as described. */
type Turned = { readonly orientation?: number };

/**
 * Red and green above, blue and yellow below.
 * @param shape.colours how the same colours are stored; the numbers of the pixels differ from those of sRGB
 */
export async function makeJpeg(
  shape: PictureShape & Turned & { readonly withGps?: boolean; readonly colours?: 'p3' | 'cmyk' },
): Promise<Buffer> {
  const picture = drawTurned(shape).withExifMerge({
    IFD0: { Make: 'Example' },
    ...(shape.withGps && { IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } }),
  });
  if (shape.colours === 'cmyk') picture.toColourspace('cmyk');
  if (shape.colours !== undefined) picture.withIccProfile(shape.colours);
  return await picture.jpeg({ quality: 95 }).toBuffer();
}

/** With `alpha` the lower right corner is fully transparent. */
export async function makePng(
  shape: PictureShape & Turned & { readonly alpha?: boolean; readonly bits?: 8 | 16 },
): Promise<Buffer> {
  const picture = drawTurned(shape);
  if (shape.bits === 16) picture.toColourspace('rgb16');
  if (!shape.alpha) return await picture.png().toBuffer();
  const { width, height } = shape;
  const opacity = Buffer.alloc(width * height, 255);
  for (let y = Math.floor(height / 2); y < height; y += 1) {
    opacity.fill(0, y * width + Math.floor(width / 2), (y + 1) * width);
  }
  return await picture
    .joinChannel(opacity, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}

/** @param shape.frames the first is as described, every second one is turned upside down */
export async function makeGif(shape: PictureShape & { readonly frames?: number }): Promise<Buffer> {
  return await drawFrames(shape).gif(timesFor(shape)).toBuffer();
}

export async function makeWebp(shape: PictureShape & Turned & { readonly frames?: number }): Promise<Buffer> {
  const picture = shape.frames === undefined ? drawTurned(shape) : drawFrames(shape);
  return await picture.webp({ quality: 95, ...timesFor(shape) }).toBuffer();
}

export async function makeAvif(shape: PictureShape & Turned): Promise<Buffer> {
  return await drawTurned(shape).avif({ quality: 80, effort: 0 }).toBuffer();
}

/** A PNG of one frame that says it is animated. */
export async function makeAnimatedPng(shape: PictureShape): Promise<Buffer> {
  const png = await makePng(shape);
  const afterHeader = 8 + 25;
  return Buffer.concat([
    png.subarray(0, afterHeader),
    pngChunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])),
    png.subarray(afterHeader),
  ]);
}

/** A small file whose header claims a size that it has no pixels for. */
export async function makePngClaiming({ width, height }: PictureShape): Promise<Buffer> {
  const png = await makePng({ width: 8, height: 8 });
  const header = Buffer.from(png.subarray(16, 29));
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([png.subarray(0, 8), pngChunk('IHDR', header), png.subarray(33)]);
}

export async function makeTiff(shape: PictureShape & Turned & { readonly colours?: 'cmyk' }): Promise<Buffer> {
  const picture = drawTurned(shape);
  if (shape.colours === 'cmyk') picture.toColourspace('cmyk').withIccProfile('cmyk');
  return await picture.tiff({ compression: 'lzw' }).toBuffer();
}

export function makeSvg({ width, height }: PictureShape): Buffer {
  const corners = UPRIGHT.map((colour, index) => {
    const place = `x="${index % 2 === 0 ? 0 : 50}%" y="${index < 2 ? 0 : 50}%" width="50%" height="50%"`;
    return `<rect ${place} fill="rgb(${COLOURS[colour].join()})"/>`;
  });
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${corners.join('')}</svg>`,
  );
}

/** A small PNG with a compressed text of a gigabyte. */
export async function makePngWithBomb(): Promise<Buffer> {
  const png = await makePng({ width: 200, height: 200 });
  const text = pngChunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateZeros(1024)]));
  return Buffer.concat([png.subarray(0, 33), text, png.subarray(33)]);
}

/** Each frame has one small picture of its own in the corner. */
export function makeGifOfFrames(frames: number, { width, height }: PictureShape = { width: 8, height: 8 }): Buffer {
  const head = Buffer.from('474946383961000000008000000000' + '00ffffff', 'hex');
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  const frame = Buffer.from('21f9040005000000' + '2c00000000080008000002' + '07848fa9cbed0f0a00', 'hex');
  return Buffer.concat([head, ...Array.from({ length: frames }, () => frame), Buffer.from([0x3b])]);
}

/** The same bits for the same seed, 1 or more. */
export function flipBits(bytes: Buffer, seed: number, count: number): Buffer {
  const flipped = Buffer.from(bytes);
  let state = seed;
  for (let flip = 0; flip < count; flip += 1) {
    state = (state * 48_271) % 2_147_483_647; // Lehmer
    const place = state % (flipped.length * 8);
    flipped.writeUInt8(flipped.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3);
  }
  return flipped;
}

/** The first part of a file; `share` is between 0 and 1. */
export function truncate(bytes: Buffer, share: number): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length * share));
}

export async function sizeOf(bytes: Buffer): Promise<PictureShape> {
  const { width, height } = await sharp(bytes).metadata();
  return { width, height };
}

/** Size of a frame, number of frames, and what {@link timesOf} tells. */
export async function animationOf(bytes: Buffer) {
  const { width, pageHeight, height, pages } = await sharp(bytes, { animated: true }).metadata();
  return { frames: pages ?? 1, width, height: pageHeight ?? height, ...(await timesOf(bytes)) };
}

/** How long each frame stays, in milliseconds, and how often all are shown; 0 is for ever. */
export async function timesOf(bytes: Buffer) {
  const { delay, loop } = await sharp(bytes, { animated: true }).metadata();
  return { delay, loop };
}

/** @returns one frame as a PNG */
export async function frameOf(bytes: Buffer, index: number): Promise<Buffer> {
  return await sharp(bytes, { page: index, pages: 1 }).png().toBuffer();
}

/** How the pixels are to be read. */
export async function coloursOf(bytes: Buffer) {
  const { space, depth, hasProfile } = await sharp(bytes).metadata();
  return { space, depth, hasProfile };
}

/** How far the numbers of the upper left pixel are from {@link COLOURS}' red, whatever colours they stand for. */
export async function distanceFromRed(bytes: Buffer): Promise<number> {
  const [red = 0, green = 0, blue = 0] = await sharp(bytes).raw().toBuffer();
  return Math.hypot(red - COLOURS.red[0], green - COLOURS.red[1], blue - COLOURS.red[2]);
}

/** The corner's colour that the pixel is nearest to, or `transparent`. Orientation tags are not heeded. */
export async function pixelAt(bytes: Buffer, x: number, y: number): Promise<Colour | 'transparent'> {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const start = (y * info.width + x) * info.channels;
  const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(start, start + 4);
  return alpha < 128 ? 'transparent' : colourNear([red, green, blue]);
}

/** Red, green and blue of one pixel. */
export async function rgbAt(bytes: Buffer, x: number, y: number): Promise<readonly number[]> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const start = (y * info.width + x) * info.channels;
  return [...data.subarray(start, start + 3)];
}

/** The corner's colour that these numbers are nearest to. */
export function colourNear([red = 0, green = 0, blue = 0]: readonly number[]): Colour {
  const distance = (colour: Colour) =>
    Math.hypot(red - COLOURS[colour][0], green - COLOURS[colour][1], blue - COLOURS[colour][2]);
  return UPRIGHT.reduce((best, next) => (distance(next) < distance(best) ? next : best));
}

/** The colours of the four corners, in the order of {@link UPRIGHT}. */
export async function cornersOf(bytes: Buffer): Promise<readonly (Colour | 'transparent')[]> {
  const { width, height } = await sizeOf(bytes);
  const [left, right] = [Math.floor(width * 0.15), Math.floor(width * 0.85)];
  const [top, bottom] = [Math.floor(height * 0.15), Math.floor(height * 0.85)];
  const places = [[left, top] as const, [right, top] as const, [left, bottom] as const, [right, bottom] as const];
  return await Promise.all(places.map(([x, y]) => pixelAt(bytes, x, y)));
}

/** The corners as they are stored, so that a viewer who heeds the orientation sees {@link UPRIGHT}. */
const STORED_CORNERS: Readonly<Record<number, Corners>> = {
  2: [GREEN, RED, YELLOW, BLUE],
  3: [YELLOW, BLUE, GREEN, RED],
  4: [BLUE, YELLOW, RED, GREEN],
  5: [RED, BLUE, GREEN, YELLOW],
  6: [GREEN, YELLOW, RED, BLUE],
  7: [YELLOW, GREEN, BLUE, RED],
  8: [BLUE, RED, YELLOW, GREEN],
};

function draw({ width, height }: PictureShape, corners = UPRIGHT): Sharp {
  return sharp(paint(width, height, corners), { raw: { width, height, channels: 3 } });
}

function drawTurned({ width, height, orientation }: PictureShape & Turned): Sharp {
  if (orientation === undefined) return draw({ width, height });
  const stored = orientation >= 5 ? { width: height, height: width } : { width, height };
  return draw(stored, STORED_CORNERS[orientation]).withMetadata({ orientation });
}

/** Each frame stays for another time; all are shown twice. */
function timesFor({ frames = 1 }: { readonly frames?: number }) {
  return frames === 1 ? {} : { delay: Array.from({ length: frames }, (_, index) => 50 + 10 * index), loop: 2 };
}

function drawFrames({ width, height, frames = 1 }: PictureShape & { readonly frames?: number }): Sharp {
  if (frames === 1) return draw({ width, height });
  const paintFrame = (_: unknown, index: number) => paint(width, height, index % 2 === 0 ? UPRIGHT : UPSIDE_DOWN);
  return sharp(Buffer.concat(Array.from({ length: frames }, paintFrame)), {
    raw: { width, height: height * frames, channels: 3, pageHeight: height },
  });
}

/** RGB, without gaps. */
export function paint(width: number, height: number, [upperLeft, upperRight, lowerLeft, lowerRight]: Corners): Buffer {
  const half = Math.floor(width / 2);
  const paintRow = (left: Colour, right: Colour) =>
    Buffer.concat([
      Buffer.alloc(half * 3, Buffer.from(COLOURS[left])),
      Buffer.alloc((width - half) * 3, Buffer.from(COLOURS[right])),
    ]);
  const [upper, lower] = [paintRow(upperLeft, upperRight), paintRow(lowerLeft, lowerRight)];
  const middle = Math.floor(height / 2);
  return Buffer.concat(Array.from({ length: height }, (_, y) => (y < middle ? upper : lower)));
}

/** As it stands in a file. */
export function pngChunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  checksum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, checksum]);
}
