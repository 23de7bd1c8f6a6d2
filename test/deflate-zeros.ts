import { constants, deflateRawSync } from 'node:zlib';

const PIECE_BYTES = 1024 ** 2;

/**
 * So many zeros as a zlib stream (RFC 1950), without compressing them all: one piece of it, again and again.
 * @param megabytes of 1024² bytes
 */
export function deflateZeros(megabytes: number): Buffer {
  const flush = { level: 9, finishFlush: constants.Z_FULL_FLUSH }; // ends at a byte, and nothing later looks back beyond it
  const piece = deflateRawSync(Buffer.alloc(PIECE_BYTES), flush);
  const head = Buffer.from('78da', 'hex');
  const end = Buffer.from('0300', 'hex'); // an empty last block
  const checksum = Buffer.alloc(4); // Adler-32: the sum of the bytes and 1 is 1 all along, the sum of these sums their number
  checksum.writeUInt16BE((megabytes * PIECE_BYTES) % 65_521, 0);
  checksum.writeUInt16BE(1, 2);
  return Buffer.concat([head, ...Array<Buffer>(megabytes).fill(piece), end, checksum]);
}
