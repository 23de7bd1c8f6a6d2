import type { Size } from '../../choose-size.ts';
import { BitReader, type Choices } from './bit-reader.ts';

export interface JxlHeader extends Size {
  /** Width and height are those of the upright picture. */
  readonly hasAlpha: boolean;
  /** Beside three colours there is black. */
  readonly isCmyk: boolean;
}

const SIDE: Choices = [
  { bits: 9, plus: 1 },
  { bits: 13, plus: 1 },
  { bits: 18, plus: 1 },
  { bits: 30, plus: 1 },
];
const PREVIEW_SIDE: Choices = [
  { bits: 6, plus: 1 },
  { bits: 8, plus: 65 },
  { bits: 10, plus: 321 },
  { bits: 12, plus: 1345 },
];
const PREVIEW_SIDE_BY_8: Choices = [16, 32, { bits: 5, plus: 1 }, { bits: 9, plus: 33 }];
const CHANNELS: Choices = [0, 1, { bits: 4, plus: 2 }, { bits: 12, plus: 1 }];
const NAME_LENGTH: Choices = [0, { bits: 4 }, { bits: 5, plus: 16 }, { bits: 10, plus: 48 }];
/** Width by height, by their number. */
const RATIOS: readonly (readonly [width: number, height: number])[] = [
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
];
const [ALPHA, SPOT_COLOUR, BLACK, COLOUR_FILTER] = [0, 2, 4, 5] as const;

/**
 * What is known of a picture before anything is decoded.
 * @param codestream with its two bytes of signature. ISO/IEC 18181-1, annex D
 * @throws {Error} when it breaks off
 */
export function readJxlHeader(codestream: Buffer): JxlHeader {
  const bits = new BitReader(codestream.subarray(2));
  const stored = readSize(bits);
  if (bits.readFlag()) return { ...stored, hasAlpha: false, isCmyk: false }; // all else is as usual
  const orientation = bits.readFlag() ? readExtraFields(bits) : 1;
  skipDepth(bits);
  bits.skip(1); // how large the numbers of the decoder are
  const types = Array.from({ length: bits.readChoice(CHANNELS) }, () => readExtraChannel(bits));
  return {
    ...(orientation >= 5 ? { width: stored.height, height: stored.width } : stored),
    hasAlpha: types.includes(ALPHA),
    isCmyk: types.includes(BLACK),
  };
}

function readSize(bits: BitReader): Size {
  const isBy8 = bits.readFlag();
  const readSide = () => (isBy8 ? (bits.read(5) + 1) * 8 : bits.readChoice(SIDE));
  const height = readSide();
  const ratio = RATIOS[bits.read(3) - 1];
  return { width: ratio === undefined ? readSide() : Math.floor((height * ratio[0]) / ratio[1]), height };
}

/** @returns the orientation, as in EXIF */
function readExtraFields(bits: BitReader): number {
  const orientation = bits.read(3) + 1;
  if (bits.readFlag()) readSize(bits); // as large as it should be shown, which no viewer heeds
  if (bits.readFlag()) skipPreview(bits);
  if (bits.readFlag()) skipAnimation(bits);
  return orientation;
}

function skipPreview(bits: BitReader): void {
  const side = bits.readFlag() ? PREVIEW_SIDE_BY_8 : PREVIEW_SIDE;
  bits.readChoice(side);
  if (bits.read(3) === 0) bits.readChoice(side);
}

function skipAnimation(bits: BitReader): void {
  bits.readChoice([100, 1000, { bits: 10, plus: 1 }, { bits: 30, plus: 1 }]); // ticks a second
  bits.readChoice([1, 1001, { bits: 8, plus: 1 }, { bits: 10, plus: 1 }]);
  bits.readChoice([0, { bits: 3 }, { bits: 16 }, { bits: 32 }]); // loops
  bits.skip(1); // whether there are time codes
}

function skipDepth(bits: BitReader): void {
  if (bits.readFlag()) {
    bits.readChoice([32, 16, 24, { bits: 6, plus: 1 }]);
    bits.skip(4);
  } else {
    bits.readChoice([8, 10, 12, { bits: 6, plus: 1 }]);
  }
}

/** @returns its type */
function readExtraChannel(bits: BitReader): number {
  if (bits.readFlag()) return ALPHA;
  const type = bits.readEnum();
  skipDepth(bits);
  bits.readChoice([0, 3, 4, { bits: 3, plus: 1 }]); // how much smaller it is
  bits.skip(8 * bits.readChoice(NAME_LENGTH));
  if (type === ALPHA) bits.skip(1); // whether the colours are multiplied by it
  if (type === SPOT_COLOUR) bits.skip(4 * 16);
  if (type === COLOUR_FILTER) bits.readChoice([1, { bits: 2 }, { bits: 4, plus: 3 }, { bits: 8, plus: 19 }]);
  return type;
}
