import type { Size } from '../../choose-size.ts';

/** What is before the pixels of a device-independent bitmap, in a BMP or in an icon. */
export interface DibHeader extends Size {
  readonly isTopDown: boolean;
  readonly bits: 1 | 2 | 4 | 8 | 16 | 24 | 32;
  readonly isRunLength: boolean;
  /** Where the channels of pixels of 16 and 32 bits are; an alpha of 0 means that there is none. */
  readonly masks: ChannelMasks;
  readonly palette: { readonly start: number; readonly colours: number; readonly colourBytes: 3 | 4 };
  /** Where an ICC profile is. */
  readonly profile: { readonly start: number; readonly bytes: number } | undefined;
  /** Behind header, masks and palette. */
  readonly end: number;
}

export type ChannelMasks = readonly [red: number, green: number, blue: number, alpha: number];

const CORE_HEADER_BYTES = 12;
const INFO_HEADER_BYTES = 40;
/** Of BITMAPINFOHEADER, its two extensions, OS/2 2.x (with zeros where the rest is), V4 and V5. */
const HEADER_BYTES: readonly number[] = [INFO_HEADER_BYTES, 52, 56, 64, 108, 124];
/** The first whose masks are four. */
const V3_HEADER_BYTES = 56;
const OS2_HEADER_BYTES = 64;
const V5_HEADER_BYTES = 124;
const PROFILE_EMBEDDED = 0x4d424544;

const BITS = [1, 2, 4, 8, 16, 24, 32] as const;
const [RGB, RLE8, RLE4, BITFIELDS, ALPHABITFIELDS] = [0, 1, 2, 3, 6] as const;

const MASKS_16: ChannelMasks = [0x7c00, 0x03e0, 0x001f, 0];
const MASKS_32: ChannelMasks = [0xff0000, 0x00ff00, 0x0000ff, 0];

/** @returns `undefined` for what is none, or one of a kind that only printers know */
export function readDibHeader(bytes: Buffer, start: number): DibHeader | undefined {
  if (start + CORE_HEADER_BYTES > bytes.length) return undefined;
  const headerBytes = bytes.readUInt32LE(start);
  if (headerBytes === CORE_HEADER_BYTES) return readCoreHeader(bytes, start);
  if (!HEADER_BYTES.includes(headerBytes) || start + headerBytes > bytes.length) return undefined;
  const width = bytes.readInt32LE(start + 4);
  const signedHeight = bytes.readInt32LE(start + 8);
  const bits = BITS.find((known) => known === bytes.readUInt16LE(start + 14));
  const compression = bytes.readUInt32LE(start + 16);
  if (width <= 0 || signedHeight === 0 || bits === undefined) return undefined;
  const isRunLength = (compression === RLE8 && bits === 8) || (compression === RLE4 && bits === 4);
  const hasMasks = isMasked(compression, headerBytes) && (bits === 16 || bits === 32);
  const isTopDown = signedHeight < 0;
  if (!(compression === RGB || isRunLength || hasMasks) || (isRunLength && isTopDown)) return undefined;

  // The masks stand in the larger headers, and behind the smallest one.
  const masksBehind = !hasMasks || headerBytes > INFO_HEADER_BYTES ? 0 : compression === ALPHABITFIELDS ? 16 : 12;
  const hasAlphaMask = headerBytes >= V3_HEADER_BYTES || masksBehind === 16;
  const paletteStart = start + headerBytes + masksBehind;
  if (paletteStart > bytes.length) return undefined;
  const colours = countColours(bits, bytes.readUInt32LE(start + 32));
  return {
    width,
    height: Math.abs(signedHeight),
    isTopDown,
    bits,
    isRunLength,
    masks: hasMasks ? readMasks(bytes, start + INFO_HEADER_BYTES, hasAlphaMask) : bits === 16 ? MASKS_16 : MASKS_32,
    palette: { start: paletteStart, colours, colourBytes: 4 },
    profile: headerBytes === V5_HEADER_BYTES ? findProfile(bytes, start) : undefined,
    end: paletteStart + colours * 4,
  };
}

/** Of Windows 2 and OS/2 1.x. */
function readCoreHeader(bytes: Buffer, start: number): DibHeader | undefined {
  const [width, height] = [bytes.readUInt16LE(start + 4), bytes.readUInt16LE(start + 6)];
  const bits = BITS.find((known) => known === bytes.readUInt16LE(start + 10));
  if (width === 0 || height === 0 || bits === undefined) return undefined;
  const colours = countColours(bits, 0);
  const paletteStart = start + CORE_HEADER_BYTES;
  return {
    width,
    height,
    isTopDown: false,
    bits,
    isRunLength: false,
    masks: bits === 16 ? MASKS_16 : MASKS_32,
    palette: { start: paletteStart, colours, colourBytes: 3 },
    profile: undefined,
    end: paletteStart + colours * 3,
  };
}

/** In OS/2 the same number is another compression. */
function isMasked(compression: number, headerBytes: number): boolean {
  return (compression === BITFIELDS || compression === ALPHABITFIELDS) && headerBytes !== OS2_HEADER_BYTES;
}

/** Beyond 8 bits a palette is only a hint for poor displays, but it takes its place in the file. */
function countColours(bits: number, used: number): number {
  if (bits > 8) return used;
  return used === 0 || used > 2 ** bits ? 2 ** bits : used;
}

function readMasks(bytes: Buffer, start: number, hasAlpha: boolean): ChannelMasks {
  const maskAt = (index: number) => bytes.readUInt32LE(start + index * 4);
  return [maskAt(0), maskAt(1), maskAt(2), hasAlpha ? maskAt(3) : 0];
}

function findProfile(bytes: Buffer, start: number): DibHeader['profile'] {
  if (bytes.readUInt32LE(start + 56) !== PROFILE_EMBEDDED) return undefined;
  const [offset, length] = [bytes.readUInt32LE(start + 112), bytes.readUInt32LE(start + 116)];
  return length > 0 && start + offset + length <= bytes.length ? { start: start + offset, bytes: length } : undefined;
}
