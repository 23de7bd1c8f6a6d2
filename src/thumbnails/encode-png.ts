import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import type { Size } from './choose-size.ts';

/** Pixels from the upper left, row by row, three bytes each: red, green, blue. */
export interface Pixels extends Size {
  readonly rgb: Uint8Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const TRUE_COLOUR = 2;

/** PNG specification, sections 5 and 11. */
export async function encodePng({ width, height, rgb }: Pixels): Promise<Buffer> {
  const rowBytes = width * 3;
  const rows = Buffer.alloc(height * (1 + rowBytes)); // each row begins with its filter: 0, none
  for (let y = 0; y < height; y += 1) {
    rows.set(rgb.subarray(y * rowBytes, (y + 1) * rowBytes), y * (1 + rowBytes) + 1);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, TRUE_COLOUR, 0, 0, 0], 8);
  const compressed = await promisify(deflate)(rows);
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', compressed), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
