import type { Pixels } from './pixels.ts';

const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;
const STRIP_ROWS = 64;

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
const TYPE_BYTES: Readonly<Record<number, number>> = { [SHORT]: 2, [LONG]: 4, [UNDEFINED]: 1 };

type Entry = readonly [tag: number, type: number, values: readonly number[] | Buffer];

/** The same pixels as an uncompressed TIFF with a profile. TIFF, revision 6.0; profile: ICC.1, annex B.4. */
export function wrapInTiff(pixels: Pixels & { readonly profile: Buffer }): Buffer {
  const { width, height, channels, data, profile } = pixels;
  const strips = Math.ceil(height / STRIP_ROWS);
  const stripBytes = STRIP_ROWS * width * channels;
  const entriesFor = (dataStart: number): readonly Entry[] => [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, Array<number>(channels).fill(8)], // bits
    [259, SHORT, [1]], // not compressed
    [262, SHORT, [2]], // RGB
    [273, LONG, Array.from({ length: strips }, (_, strip) => dataStart + strip * stripBytes)],
    [277, SHORT, [channels]],
    [278, LONG, [STRIP_ROWS]],
    [279, LONG, Array.from({ length: strips }, (_, strip) => Math.min(stripBytes, data.length - strip * stripBytes))],
    ...(channels === 4 ? [[338, SHORT, [pixels.isPremultiplied ? 1 : 2]] as const] : []),
    [34_675, UNDEFINED, profile],
  ];
  const headBytes = writeHead(entriesFor(0)).length;
  return Buffer.concat([writeHead(entriesFor(headBytes)), data]);
}

function writeHead(entries: readonly Entry[]): Buffer {
  const directory = Buffer.alloc(2 + entries.length * ENTRY_BYTES + 4);
  directory.writeUInt16LE(entries.length);
  const outside: Buffer[] = [];
  let outsideStart = HEADER_BYTES + directory.length;
  for (const [index, [tag, type, values]] of entries.entries()) {
    const place = 2 + index * ENTRY_BYTES;
    const bytes = bytesOf(type, values);
    directory.writeUInt16LE(tag, place);
    directory.writeUInt16LE(type, place + 2);
    directory.writeUInt32LE(bytes.length / (TYPE_BYTES[type] ?? 1), place + 4);
    if (bytes.length <= 4) {
      bytes.copy(directory, place + 8);
    } else {
      directory.writeUInt32LE(outsideStart, place + 8);
      const padded = Buffer.concat([bytes, Buffer.alloc(bytes.length % 2)]); // offsets are even
      outside.push(padded);
      outsideStart += padded.length;
    }
  }
  return Buffer.concat([Buffer.from('49492a0008000000', 'hex'), directory, ...outside]);
}

function bytesOf(type: number, values: readonly number[] | Buffer): Buffer {
  if (Buffer.isBuffer(values)) return values;
  const bytes = Buffer.alloc(values.length * (TYPE_BYTES[type] ?? 1));
  for (const [index, value] of values.entries()) {
    if (type === SHORT) bytes.writeUInt16LE(value, index * 2);
    else bytes.writeUInt32LE(value, index * 4);
  }
  return bytes;
}
