import type { Size } from '../../choose-size.ts';
import type { PixelSource } from '../pixels.ts';
import { decodeDib, hasItsPixels } from './decode-dib.ts';
import { type DibHeader, readDibHeader } from './dib-header.ts';
import { strideOf } from './dib-rows.ts';

interface Icon extends Size {
  readonly bits: number;
  readonly open: () => PixelSource | Buffer;
}

const DIRECTORY_BYTES = 6;
const ENTRY_BYTES = 16;
const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const PNG_HEADER_BYTES = 26;

/**
 * Of an ICO or CUR: the picture with the most pixels, of these the one with the most colours. What the directory says of
 * their sizes is not believed.
 * @returns a whole PNG, or an opened bitmap; `undefined` when there is none
 */
export function findLargestIcon(source: Buffer): PixelSource | Buffer | undefined {
  if (source.length < DIRECTORY_BYTES) return undefined;
  let largest: Icon | undefined;
  const entries = Math.min(source.readUInt16LE(4), Math.floor((source.length - DIRECTORY_BYTES) / ENTRY_BYTES));
  for (let entry = 0; entry < entries; entry += 1) {
    const place = DIRECTORY_BYTES + entry * ENTRY_BYTES;
    const [bytes, start] = [source.readUInt32LE(place + 8), source.readUInt32LE(place + 12)];
    const icon = start < source.length ? readIcon(source.subarray(start, start + bytes)) : undefined;
    if (icon !== undefined && (largest === undefined || isLarger(icon, largest))) largest = icon;
  }
  return largest?.open();
}

function isLarger(icon: Icon, other: Icon): boolean {
  const difference = icon.width * icon.height - other.width * other.height;
  return difference > 0 || (difference === 0 && icon.bits > other.bits);
}

function readIcon(bytes: Buffer): Icon | undefined {
  if (bytes.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) {
    if (bytes.length < PNG_HEADER_BYTES) return undefined;
    const [width, height, bits] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes.readUInt8(24) * 4];
    return { width, height, bits, open: () => bytes };
  }
  const doubled = readDibHeader(bytes, 0);
  // The height counts both the pixels and, below them, the mask of what is transparent.
  if (doubled === undefined || doubled.isRunLength || doubled.height % 2 === 1) return undefined;
  const header: DibHeader = { ...doubled, height: doubled.height / 2, masks: withAlpha(doubled) };
  if (!hasItsPixels(bytes, header, header.end)) return undefined;
  const { width, height, bits } = header;
  return { width, height, bits, open: () => openIconBitmap(bytes, header) };
}

/** In icons the fourth byte counts, although no mask says so. */
function withAlpha({ bits, masks }: DibHeader): DibHeader['masks'] {
  return bits === 32 && masks[3] === 0 ? [masks[0], masks[1], masks[2], 0xff00_0000] : masks;
}

function openIconBitmap(bytes: Buffer, header: DibHeader): PixelSource {
  const { width, height, bits } = header;
  return {
    width,
    height,
    hasAlpha: true,
    decode: async () => {
      const data = decodeDib(bytes, header, header.end);
      // A picture with an alpha of its own has no need of the mask.
      if (bits < 32 || isOpaque(data)) applyMask(bytes, header, data);
      return { width, height, channels: 4, data };
    },
  };
}

function isOpaque(rgba: Buffer): boolean {
  for (let alpha = 3; alpha < rgba.length; alpha += 4) if (rgba[alpha] !== 255) return false;
  return true;
}

/** One bit a pixel: set where the screen shines through. A mask that is not there hides nothing. */
function applyMask(bytes: Buffer, header: DibHeader, rgba: Buffer): void {
  const { width, height } = header;
  const start = header.end + strideOf(header) * height;
  const stride = strideOf({ width, bits: 1 });
  for (let row = 0; row < height; row += 1) {
    const y = header.isTopDown ? row : height - 1 - row;
    for (let x = 0; x < width; x += 1) {
      const isMasked = ((bytes[start + row * stride + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1;
      if (isMasked === 1) rgba[(y * width + x) * 4 + 3] = 0;
    }
  }
}
