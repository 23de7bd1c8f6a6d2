import { crc32 } from 'node:zlib';

/** The signature of every PNG. */
export const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

export interface PngChunk {
  readonly type: string;
  readonly content: Buffer;
}

/** Ends at the first chunk that is not there as a whole. Checksums are the decoder's business. */
export function* readPngChunks(png: Buffer): Generator<PngChunk, void, undefined> {
  let position = PNG_SIGNATURE.length;
  while (position + 12 <= png.length) {
    const end = position + 8 + png.readUInt32BE(position);
    if (end + 4 > png.length) return;
    yield { type: png.toString('latin1', position + 4, position + 8), content: png.subarray(position + 8, end) };
    position = end + 4; // behind the checksum
  }
}

/** As it stands in a file. */
export function writePngChunk({ type, content }: PngChunk): Buffer {
  const chunk = Buffer.alloc(content.length + 12);
  chunk.writeUInt32BE(content.length);
  chunk.write(type, 4, 'latin1');
  content.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), content.length + 8);
  return chunk;
}
