import sharp, { type Sharp } from 'sharp';

/** The corners of every picture made here, as it is meant to be seen, and what {@link pixelAt} says of them. */
export const RED = 'red';
export const GREEN = 'green';
export const BLUE = 'blue';
export const YELLOW = 'yellow';

const COLOURS = { red: [230, 20, 20], green: [20, 200, 20], blue: [20, 20, 230], yellow: [230, 220, 20] } as const;
export type Colour = keyof typeof COLOURS;

export interface PictureShape {
  /** As it is meant to be seen. */
  readonly width: number;
  readonly height: number;
}

/**
 * Red and green above, blue and yellow below.
 * @param orientation EXIF; the pixels are stored turned, so that the picture is seen as described
 */
export async function makeJpeg(
  shape: PictureShape & { readonly orientation?: number; readonly withGps?: boolean },
): Promise<Buffer> {
  const turned = storeTurned(await drawQuadrants(shape), shape.orientation ?? 1);
  const described = turned.withExif({
    IFD0: { Make: 'Example', Orientation: String(shape.orientation ?? 1) },
    ...(shape.withGps && { IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } }),
  });
  return await described.jpeg({ quality: 95 }).toBuffer();
}

/** With `alpha` the lower right corner is fully transparent. */
export async function makePng(shape: PictureShape & { readonly alpha?: boolean }): Promise<Buffer> {
  return await (await drawQuadrants(shape, shape.alpha)).png().toBuffer();
}

/** @param shape.frames the first is as described, the others are turned upside down */
export async function makeGif(shape: PictureShape & { readonly frames?: number }): Promise<Buffer> {
  return await (await drawFrames(shape)).gif().toBuffer();
}

export async function makeWebp(shape: PictureShape & { readonly frames?: number }): Promise<Buffer> {
  return await (await drawFrames(shape)).webp({ quality: 95 }).toBuffer();
}

export async function makeAvif(shape: PictureShape): Promise<Buffer> {
  return await (await drawQuadrants(shape)).avif({ quality: 80, effort: 0 }).toBuffer();
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

export function makeSvg({ width, height }: PictureShape): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%"/></svg>`,
  );
}

/** The first part of a file; `share` is between 0 and 1. */
export function truncate(bytes: Buffer, share: number): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length * share));
}

export async function sizeOf(bytes: Buffer): Promise<PictureShape> {
  const { width, height } = await sharp(bytes).metadata();
  return { width, height };
}

/** The corner's colour that the pixel is nearest to, or `transparent`. Orientation tags are not heeded. */
export async function pixelAt(bytes: Buffer, x: number, y: number): Promise<Colour | 'transparent'> {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const start = (y * info.width + x) * info.channels;
  const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(start, start + 4);
  if (alpha < 128) return 'transparent';
  const distance = (colour: Colour) =>
    Math.hypot(red - COLOURS[colour][0], green - COLOURS[colour][1], blue - COLOURS[colour][2]);
  return ([RED, GREEN, BLUE, YELLOW] as const).reduce((best, next) => (distance(next) < distance(best) ? next : best));
}

/** The colours of the four corners: upper left, upper right, lower left, lower right. */
export async function cornersOf(bytes: Buffer): Promise<readonly (Colour | 'transparent')[]> {
  const { width, height } = await sizeOf(bytes);
  const [left, right] = [Math.floor(width * 0.15), Math.floor(width * 0.85)];
  const [top, bottom] = [Math.floor(height * 0.15), Math.floor(height * 0.85)];
  const places = [[left, top] as const, [right, top] as const, [left, bottom] as const, [right, bottom] as const];
  return await Promise.all(places.map(([x, y]) => pixelAt(bytes, x, y)));
}

async function drawQuadrants({ width, height }: PictureShape, alpha = false): Promise<Sharp> {
  return sharp(paint(width, height, alpha), { raw: { width, height, channels: alpha ? 4 : 3 } });
}

async function drawFrames({ width, height, frames = 1 }: PictureShape & { readonly frames?: number }): Promise<Sharp> {
  const first = paint(width, height, false);
  if (frames === 1) return sharp(first, { raw: { width, height, channels: 3 } });
  const other = await sharp(first, { raw: { width, height, channels: 3 } })
    .flip()
    .raw()
    .toBuffer();
  const all = Buffer.concat([first, ...Array.from({ length: frames - 1 }, () => other)]);
  return sharp(all, { raw: { width, height: height * frames, channels: 3, pageHeight: height } });
}

function paint(width: number, height: number, alpha: boolean): Buffer {
  const half = Math.floor(width / 2);
  const row = (left: Colour, right: Colour, rightAlpha: number) => {
    const pixel = (colour: Colour, opacity: number) => Buffer.from([...COLOURS[colour], ...(alpha ? [opacity] : [])]);
    return Buffer.concat([
      Buffer.alloc(half * (alpha ? 4 : 3), pixel(left, 255)),
      Buffer.alloc((width - half) * (alpha ? 4 : 3), pixel(right, rightAlpha)),
    ]);
  };
  const upper = row(RED, GREEN, 255);
  const lower = row(BLUE, YELLOW, 0);
  const middle = Math.floor(height / 2);
  return Buffer.concat(Array.from({ length: height }, (_, y) => (y < middle ? upper : lower)));
}

/** The inverse of what the EXIF orientation asks a viewer to do. */
function storeTurned(picture: Sharp, orientation: number): Sharp {
  switch (orientation) {
    case 2:
      return picture.flop();
    case 3:
      return picture.rotate(180);
    case 4:
      return picture.flip();
    case 5:
      return sharpAfter(picture.rotate(270)).flop();
    case 6:
      return picture.rotate(270);
    case 7:
      return sharpAfter(picture.rotate(90)).flop();
    case 8:
      return picture.rotate(90);
    default:
      return picture;
  }
}
