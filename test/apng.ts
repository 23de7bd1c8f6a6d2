import { deflateSync } from 'node:zlib';
import {
  COLOURS,
  type Colour,
  type Corners,
  type PictureShape,
  paint,
  pngChunk,
  UPRIGHT,
  UPSIDE_DOWN,
} from './pictures.ts';

export interface ApngShape extends PictureShape {
  readonly frames: readonly ApngFrame[];
  /** How often all are shown; 0 is for ever. */
  readonly plays?: number;
  /** The picture for programs that know no animations: the first frame, or one that is not among the frames. */
  readonly still?: 'first frame' | 'another';
}

/** Red and green above, blue and yellow below, or in the one colour that is named. */
export interface ApngFrame {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
  readonly corners?: Corners;
  readonly colour?: Colour;
  readonly alpha?: number;
  readonly dispose?: 'none' | 'background' | 'previous';
  readonly blend?: 'source' | 'over';
  /** In hundredths of a second. */
  readonly delay?: number;
}

export function makeApng(shape: ApngShape): Buffer {
  const { width, height, frames, plays = 0, still = 'first frame' } = shape;
  let sequence = 0;
  const next = () => {
    const number = uint32(sequence);
    sequence += 1;
    return number;
  };
  const header = Buffer.concat([uint32(width), uint32(height), Buffer.from([8, 6, 0, 0, 0])]);
  const chunks = [pngChunk('IHDR', header), pngChunk('acTL', Buffer.concat([uint32(frames.length), uint32(plays)]))];
  if (still === 'another') chunks.push(pngChunk('IDAT', packPixels(shape, { corners: UPSIDE_DOWN })));
  for (const [index, frame] of frames.entries()) {
    chunks.push(pngChunk('fcTL', Buffer.concat([next(), writeControl(shape, frame)])));
    const pixels = packPixels(shape, frame);
    const isStill = index === 0 && still === 'first frame';
    chunks.push(isStill ? pngChunk('IDAT', pixels) : pngChunk('fdAT', Buffer.concat([next(), pixels])));
  }
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks, pngChunk('IEND', Buffer.alloc(0))]);
}

/** The first frame is as all pictures here, every second one is turned upside down; all are shown twice. */
export function makeMovingPng(shape: PictureShape & { readonly frames: number }): Buffer {
  const frames = Array.from({ length: shape.frames }, (_, index) => ({
    corners: index % 2 === 0 ? UPRIGHT : UPSIDE_DOWN,
    delay: 5 + index,
  }));
  return makeApng({ ...shape, frames, plays: 2 });
}

function writeControl(whole: PictureShape, frame: ApngFrame): Buffer {
  const { width = whole.width, height = whole.height, x = 0, y = 0, delay = 10 } = frame;
  const dispose = ['none', 'background', 'previous'].indexOf(frame.dispose ?? 'none');
  const blend = ['source', 'over'].indexOf(frame.blend ?? 'source');
  const times = Buffer.from([delay >> 8, delay & 255, 0, 100, dispose, blend]);
  return Buffer.concat([...[width, height, x, y].map(uint32), times]);
}

function packPixels(whole: PictureShape, frame: ApngFrame): Buffer {
  const { width = whole.width, height = whole.height, corners = UPRIGHT, colour, alpha = 255 } = frame;
  const rgb = paint(width, height, corners);
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 3;
      const pixel = colour === undefined ? rgb.subarray(from, from + 3) : COLOURS[colour];
      rows.set([...pixel, alpha], y * (1 + width * 4) + 1 + x * 4); // behind the number of the filter, none
    }
  }
  return deflateSync(rows);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
