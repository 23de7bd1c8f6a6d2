import { COLOURS, type Colour, makePng, type PictureShape } from './pictures.ts';

/** Red, green, blue, and alpha where there is one. */
export type Masks = readonly [number, number, number, number];

export interface BitmapShape extends PictureShape {
  readonly bits?: 1 | 2 | 4 | 8 | 16 | 24 | 32;
  /** How large the header is: 12 in OS/2 1.x, 40 as a rule, 52 and 56 with masks, 64 in OS/2 2.x, 108 is V4, 124 is V5. */
  readonly headerBytes?: 12 | 40 | 52 | 56 | 64 | 108 | 124;
  readonly topDown?: boolean;
  /** Of 4 or 8 bits, as runs; `mixed` has runs, single pixels and moves. */
  readonly runs?: 'plain' | 'mixed';
  readonly masks?: Masks;
  /** Of the lower right corner, where the masks have an alpha; everywhere else it is 255. */
  readonly alpha?: number;
  readonly profile?: Buffer;
}

const FILE_HEADER_BYTES = 14;
const PALETTE: readonly Colour[] = ['red', 'green', 'blue', 'yellow'];

/** Red and green above, blue and yellow below. With 1 bit a pixel, red above and green below. */
export function makeBmp(shape: BitmapShape): Buffer {
  const { head, pixels } = makeBitmap(shape);
  const profile = shape.profile ?? Buffer.alloc(0);
  const bytes = Buffer.concat([Buffer.alloc(FILE_HEADER_BYTES), head, pixels, profile]);
  bytes.write('BM', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(FILE_HEADER_BYTES + head.length, 10);
  if (shape.profile !== undefined) {
    bytes.writeUInt32LE(0x4d424544, FILE_HEADER_BYTES + 56); // the profile is in the file
    bytes.writeUInt32LE(head.length + pixels.length, FILE_HEADER_BYTES + 112);
    bytes.writeUInt32LE(shape.profile.length, FILE_HEADER_BYTES + 116);
  }
  return bytes;
}

/** A picture of an icon: with `masked`, the bits of its mask hide the lower right corner. */
export type IconPicture = BitmapShape & { readonly masked?: boolean; readonly png?: boolean };

/** @param kind 1 is an icon, 2 a cursor */
export async function makeIcon(pictures: readonly IconPicture[], kind: 1 | 2 = 1): Promise<Buffer> {
  const bodies = await Promise.all(
    pictures.map(async (shape) =>
      shape.png ? await makePng({ width: shape.width, height: shape.height }) : makeIconBitmap(shape),
    ),
  );
  const directory = Buffer.alloc(6 + 16 * pictures.length);
  directory.writeUInt16LE(kind, 2);
  directory.writeUInt16LE(pictures.length, 4);
  let start = directory.length;
  for (const [index, body] of bodies.entries()) {
    const place = 6 + 16 * index;
    directory.writeUInt8((pictures[index]?.width ?? 0) & 255, place);
    directory.writeUInt8((pictures[index]?.height ?? 0) & 255, place + 1);
    directory.writeUInt32LE(body.length, place + 8);
    directory.writeUInt32LE(start, place + 12);
    start += body.length;
  }
  return Buffer.concat([directory, ...bodies]);
}

function makeIconBitmap(shape: IconPicture): Buffer {
  const { width, height } = shape;
  const { head, pixels } = makeBitmap(shape);
  head.writeInt32LE(height * 2, 8);
  const stride = Math.ceil(width / 32) * 4;
  const mask = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row += 1) {
    for (let x = Math.floor(width / 2); x < width; x += 1) {
      // Rows go up, so the first ones are the lower half.
      const place = row * stride + (x >> 3);
      if (shape.masked && row < height / 2) mask[place] = (mask[place] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return Buffer.concat([head, pixels, mask]);
}

function makeBitmap(shape: BitmapShape): { readonly head: Buffer; readonly pixels: Buffer } {
  const { width, height, bits = 24, headerBytes = 40, masks } = shape;
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes, 0);
  if (headerBytes === 12) {
    header.writeUInt16LE(width, 4);
    header.writeUInt16LE(height, 6);
    header.writeUInt16LE(1, 8);
    header.writeUInt16LE(bits, 10);
  } else {
    header.writeInt32LE(width, 4);
    header.writeInt32LE(shape.topDown ? -height : height, 8);
    header.writeUInt16LE(1, 12);
    header.writeUInt16LE(bits, 14);
    header.writeUInt32LE(shape.runs ? (bits === 8 ? 1 : 2) : masks ? 3 : 0, 16);
    if (bits <= 8 && bits >= 2) header.writeUInt32LE(PALETTE.length, 32);
  }
  const head = Buffer.concat([header, writeMasks(header, masks), makePalette(bits, headerBytes === 12 ? 3 : 4)]);
  return { head, pixels: shape.runs ? makeRuns(shape) : makeRows(shape) };
}

/** Into the header where it has room for them. @returns what stands behind the header */
function writeMasks(header: Buffer, masks: Masks | undefined): Buffer {
  if (masks === undefined) return Buffer.alloc(0);
  const words = Buffer.alloc(16);
  for (const [index, mask] of masks.entries()) words.writeUInt32LE(mask, index * 4);
  if (header.length === 40) return words.subarray(0, 12);
  words.copy(header, 40, 0, header.length === 52 ? 12 : 16);
  return Buffer.alloc(0);
}

function makePalette(bits: number, colourBytes: number): Buffer {
  if (bits > 8) return Buffer.alloc(0);
  // The short header cannot tell how many colours there are.
  const count = colourBytes === 3 || bits === 1 ? 2 ** bits : PALETTE.length;
  const palette = Buffer.alloc(count * colourBytes);
  for (const [index, colour] of PALETTE.slice(0, count).entries()) {
    palette.set([...COLOURS[colour]].reverse(), index * colourBytes);
  }
  return palette;
}

function indexAt({ width, height, bits }: BitmapShape, x: number, y: number): number {
  const below = y < Math.floor(height / 2) ? 0 : 1;
  return bits === 1 ? below : below * 2 + (x < Math.floor(width / 2) ? 0 : 1);
}

function makeRows(shape: BitmapShape): Buffer {
  const { width, height, bits = 24 } = shape;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const rows = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row += 1) {
    const y = shape.topDown ? row : height - 1 - row;
    for (let x = 0; x < width; x += 1) {
      const index = indexAt(shape, x, y);
      if (bits > 8) {
        rows.writeUIntLE(pixelOf(shape, index), row * stride + x * (bits / 8), bits / 8);
      } else {
        const place = row * stride + ((x * bits) >> 3);
        rows[place] = (rows[place] ?? 0) | (index << (8 - bits - ((x * bits) & 7)));
      }
    }
  }
  return rows;
}

function pixelOf({ bits = 24, masks, alpha = 255 }: BitmapShape, index: number): number {
  const channels = [...COLOURS[PALETTE[index] ?? 'red'], index === 3 ? alpha : 255];
  const usual: Masks = bits === 16 ? [0x7c00, 0x03e0, 0x001f, 0] : [0xff0000, 0x00ff00, 0x0000ff, 0xff000000];
  let pixel = 0;
  for (const [channel, mask] of (masks ?? usual).entries()) {
    if (mask === 0 || mask >= 2 ** bits) continue;
    const unit = 2 ** (31 - Math.clz32(mask & -mask));
    pixel += Math.round(((channels[channel] ?? 0) / 255) * (mask / unit)) * unit;
  }
  return pixel;
}

/** Row by row from the bottom; in mixed ones a third of each row is single pixels, and the first rows are moved over. */
function makeRuns(shape: BitmapShape): Buffer {
  const { width, height, bits = 8 } = shape;
  const bytes: number[] = [];
  const half = Math.floor(width / 2);
  const pair = (index: number) => (bits === 8 ? index : (index << 4) | index);
  const run = (index: number, count: number) => {
    for (let left = count; left > 0; left -= 255) bytes.push(Math.min(left, 255), pair(index));
  };
  if (shape.runs === 'mixed') bytes.push(0, 2, 0, 1);
  for (let row = shape.runs === 'mixed' ? 1 : 0; row < height; row += 1) {
    const y = height - 1 - row;
    const [left, right] = [indexAt(shape, 0, y), indexAt(shape, half, y)];
    if (shape.runs === 'mixed') {
      bytes.push(0, 5, ...(bits === 8 ? [left, left, left, left, left, 0] : [pair(left), pair(left), pair(left), 0]));
      run(left, half - 5);
    } else {
      run(left, half);
    }
    run(right, width - half);
    bytes.push(0, 0);
  }
  return Buffer.from([...bytes, 0, 1]);
}

/** The size of the file's header says one thing, its pixels another. */
export function makeBmpClaiming({ width, height }: PictureShape): Buffer {
  const bmp = makeBmp({ width: 8, height: 8 });
  bmp.writeInt32LE(width, FILE_HEADER_BYTES + 4);
  bmp.writeInt32LE(height, FILE_HEADER_BYTES + 8);
  return bmp;
}
