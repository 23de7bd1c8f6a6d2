import { type Colour, type PictureShape, UPRIGHT } from './pictures.ts';

/** How the container turns a picture: quarters against the clock, then mirrored. */
export interface HeicShape extends PictureShape {
  readonly quarters?: 1 | 2 | 3;
  readonly mirrored?: 'left and right' | 'top and bottom';
  /** The lower right corner is fully transparent. */
  readonly alpha?: boolean;
  readonly bits?: 8 | 10;
  /** An ICC profile, or the number that video formats have for the primaries. */
  readonly profile?: Buffer | number;
  readonly brand?: string;
}

/** Of one tile. The pictures are grids of them, so that there is no need for an encoder. */
const TILE = 64;

type TileColour = Colour | 'opaque' | 'transparent';

interface TileSet {
  /** Sequence and picture parameters of the video, of all tiles alike. */
  readonly parameters: readonly string[];
  readonly tiles: Partial<Record<TileColour, string>>;
  readonly chroma: 0 | 1;
  readonly bits: 8 | 10;
}

/*
 * Each tile is one HEVC picture of 64×64 in one colour, made by FFmpeg with x265, without its four bytes of length:
 *   ffmpeg -f lavfi -i color=0xE61414:size=64x64:rate=1 -frames:v 1 \
 *     -vf scale=out_color_matrix=bt709:out_range=full,format=yuv420p -c:v libx265 -preset veryslow -x265-params \
 *     keyint=1:qp=8:info=0:aud=0:hrd=0:range=full:colorprim=bt709:transfer=iec61966-2-1:colormatrix=bt709 -f hevc red.hevc
 * with format=yuv420p10le for 10 bits and format=gray for the alpha.
 */
const COLOURS_8: TileSet = {
  parameters: [
    'QAEMAf//BAgAAAMAn6gAAAMAAB66AkA=',
    'QgEBBAgAAAMAn6gAAAMAAB6gIIEFlupJG2vAW4CGgIIAAAMAAgAAAwACEA==',
    'RAHBcYES',
  ],
  tiles: {
    red: 'KAGvBXhQW1L/ifkf/7yb7K5vSjfqyiMe9AimgrQPp/A=',
    green: 'KAGvBXhQWzpefzv//6Zr7K5vRs/NK4Y96BFNBWgfT+A=',
    blue: 'KAGvBXhQW1L/rHUvX/win//zfsh0epnf4A==',
    yellow: 'KAGvBXhQWzpfoYKA9e3o2fqLb/B9WZMe8GxWArQPp/A=',
  },
  chroma: 1,
  bits: 8,
};
const COLOURS_10: TileSet = {
  parameters: [
    'QAEMAf//BAgAAAMAnagAAAMAAB66AkA=',
    'QgEBBAgAAAMAnagAAAMAAB6gIIEE2W6kkba8BbgIaAggAAADACAAAAMAIQ==',
    'RAHBcYES',
  ],
  tiles: {
    red: 'KAGvBXhQW1L/h/P//7yn9D+3VnIdHqZ3+A==',
    green: 'KAGvBXhQWzpehQF//6lH//+oVDIdHqZ3+A==',
    blue: 'KAGvBXhQW1L/rHUvX/wm///04zIdHqZ3+A==',
    yellow: 'KAGvBXhQWzpfogVf//wBf9D30zIdHqZ3+A==',
  },
  chroma: 1,
  bits: 10,
};
const ALPHA: TileSet = {
  parameters: [
    'QAEMAf//BAgAAAMAn+gAAAMAAB66AkA=',
    'QgEBBAgAAAMAn+gAAAMAAB7AggQWW6kkba8BbgIaAggAAAMACAAAAwAIQA==',
    'RAHBcYES',
  ],
  tiles: { opaque: 'KAGuCvBzHUf9hfpp5Iw=', transparent: 'KAGuCvBzHkf9jTpp5Iw=' },
  chroma: 0,
  bits: 8,
};

/**
 * Red and green above, blue and yellow below, as it is stored; the container may turn it. The size is that of what is
 * stored, and where the colours meet is rounded up to whole tiles.
 */
export function makeHeic(shape: HeicShape): Buffer {
  const file = new HeifFile();
  const colours = shape.bits === 10 ? COLOURS_10 : COLOURS_8;
  const properties = [
    ...(shape.profile === undefined ? [] : [colourBox(shape.profile)]),
    ...(shape.quarters === undefined ? [] : [box('irot', Buffer.from([shape.quarters]))]),
    ...(shape.mirrored === undefined ? [] : [box('imir', Buffer.from([shape.mirrored === 'left and right' ? 1 : 0]))]),
  ];
  const picture = file.addGrid(shape, colours, UPRIGHT, properties);
  if (shape.alpha) {
    const kind = fullBox('auxC', 0, 0, Buffer.from('urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0'));
    const corners = ['opaque', 'opaque', 'opaque', 'transparent'] as const;
    file.refer('auxl', file.addGrid(shape, ALPHA, corners, [kind]), [picture]);
  }
  return file.write(picture, shape.brand ?? 'heic');
}

/** As small as can be; its header says another size than its one tile has. */
export function makeHeicClaiming(size: PictureShape): Buffer {
  const file = new HeifFile();
  return file.write(file.addTile(COLOURS_8, 'red', size), 'heic');
}

/** A picture in parts, as phones write it. ISO/IEC 23008-12; boxes: ISO/IEC 14496-12. */
class HeifFile {
  readonly #items: { readonly type: string; readonly content: Buffer; readonly properties: readonly Buffer[] }[] = [];
  readonly #references: Buffer[] = [];

  /** @returns its number */
  addTile({ parameters, tiles, chroma, bits }: TileSet, colour: TileColour, size: PictureShape): number {
    const picture = Buffer.from(tiles[colour] ?? '', 'base64');
    const arrays = parameters.map((text, index) => {
      const unit = Buffer.from(text, 'base64');
      return Buffer.concat([Buffer.from([0x80 | (32 + index), 0, 1]), uint16(unit.length), unit]);
    });
    // Main profile as a whole; the decoder reads it from the parameters.
    const config = Buffer.from([1, 4, 8, 0, 0, 0, 0x9f, 0xa8, 0, 0, 0, 0, 30, 0xf0, 0, 0xfc]);
    const depth = 0xf8 | (bits - 8);
    const tail = Buffer.from([0xfc | chroma, depth, depth, 0, 0, 0x0f, arrays.length]);
    return this.#add('hvc1', Buffer.concat([uint32(picture.length), picture]), [
      box('hvcC', Buffer.concat([config, tail, ...arrays])),
      sizeBox(size),
      fullBox('pixi', 0, 0, Buffer.from(chroma === 0 ? [1, bits] : [3, bits, bits, bits])),
    ]);
  }

  addGrid(
    { width, height }: PictureShape,
    set: TileSet,
    [upperLeft, upperRight, lowerLeft, lowerRight]: readonly [TileColour, TileColour, TileColour, TileColour],
    properties: readonly Buffer[],
  ): number {
    const [columns, rows] = [Math.ceil(width / TILE), Math.ceil(height / TILE)];
    const tiles = Array.from({ length: columns * rows }, (_, index) => {
      const isLeft = index % columns < columns / 2;
      const isUpper = Math.floor(index / columns) < rows / 2;
      const colour = isUpper ? (isLeft ? upperLeft : upperRight) : isLeft ? lowerLeft : lowerRight;
      return this.addTile(set, colour, { width: TILE, height: TILE });
    });
    const content = Buffer.concat([Buffer.from([0, 1, rows - 1, columns - 1]), uint32(width), uint32(height)]);
    const grid = this.#add('grid', content, [sizeBox({ width, height }), ...properties]);
    this.refer('dimg', grid, tiles);
    return grid;
  }

  refer(type: string, from: number, to: readonly number[]): void {
    this.#references.push(box(type, Buffer.concat([from, to.length, ...to].map(uint16))));
  }

  write(primary: number, brand: string): Buffer {
    const head = box('ftyp', Buffer.from(`${brand}\0\0\0\0mif1${brand}`, 'latin1'));
    const metaBytes = this.#writeMeta(primary, 0).length;
    const contents = this.#items.map(({ content }) => content);
    return Buffer.concat([
      head,
      this.#writeMeta(primary, head.length + metaBytes + 8),
      box('mdat', Buffer.concat(contents)),
    ]);
  }

  #add(type: string, content: Buffer, properties: readonly Buffer[]): number {
    return this.#items.push({ type, content, properties });
  }

  #writeMeta(primary: number, contentStart: number): Buffer {
    const infos = this.#items.map(({ type }, index) =>
      fullBox(
        'infe',
        2,
        type === 'hvc1' && index + 1 !== primary ? 1 : 0,
        Buffer.concat([uint16(index + 1), uint16(0), Buffer.from(`${type}\0`)]),
      ),
    );
    let start = contentStart;
    const locations = this.#items.map(({ content }, index) => {
      const location = [uint16(index + 1), uint16(0), uint16(1), uint32(start), uint32(content.length)];
      start += content.length;
      return Buffer.concat(location);
    });
    const distinct = new Map<string, Buffer>();
    for (const { properties } of this.#items) {
      for (const property of properties) distinct.set(property.toString('latin1'), property);
    }
    const numbers = new Map([...distinct.keys()].map((key, index) => [key, index + 1]));
    const associations = this.#items.map(({ properties }, index) => {
      const own = properties.map((property) => uint16(0x8000 | (numbers.get(property.toString('latin1')) ?? 0)));
      return Buffer.concat([uint16(index + 1), Buffer.from([properties.length]), ...own]);
    });
    const count = this.#items.length;
    return fullBox(
      'meta',
      0,
      0,
      Buffer.concat([
        fullBox('hdlr', 0, 0, Buffer.from('\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0', 'latin1')),
        fullBox('pitm', 0, 0, uint16(primary)),
        fullBox('iloc', 0, 0, Buffer.concat([Buffer.from([0x44, 0]), uint16(count), ...locations])),
        fullBox('iinf', 0, 0, Buffer.concat([uint16(count), ...infos])),
        ...(this.#references.length > 0 ? [fullBox('iref', 0, 0, Buffer.concat(this.#references))] : []),
        box(
          'iprp',
          Buffer.concat([
            box('ipco', Buffer.concat([...distinct.values()])),
            fullBox('ipma', 0, 1, Buffer.concat([uint32(count), ...associations])),
          ]),
        ),
      ]),
    );
  }
}

function sizeBox({ width, height }: PictureShape): Buffer {
  return fullBox('ispe', 0, 0, Buffer.concat([uint32(width), uint32(height)]));
}

function colourBox(profile: Buffer | number): Buffer {
  if (typeof profile !== 'number') return box('colr', Buffer.concat([Buffer.from('prof'), profile]));
  // With the curve of sRGB, the matrix of BT.709, and all values from 0 to 255.
  return box('colr', Buffer.concat([Buffer.from('nclx'), uint16(profile), uint16(13), uint16(1), Buffer.from([0x80])]));
}

function box(type: string, content: Buffer): Buffer {
  return Buffer.concat([uint32(content.length + 8), Buffer.from(type, 'latin1'), content]);
}

function fullBox(type: string, version: number, flags: number, content: Buffer): Buffer {
  return box(type, Buffer.concat([uint32(version * 2 ** 24 + flags), content]));
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
