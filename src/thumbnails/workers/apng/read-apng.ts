import type { Size } from '../../choose-size.ts';
import { type PngChunk, readPngChunks } from './png-chunks.ts';

export interface Apng extends Size {
  /** What all frames share: header, palette, colours. */
  readonly header: Buffer;
  readonly shared: readonly PngChunk[];
  /** That are there, with their pixels still packed. */
  readonly frames: readonly ApngFrame[];
  /** How often all are shown; 0 is for ever. */
  readonly plays: number;
}

export interface ApngFrame extends Size {
  readonly x: number;
  readonly y: number;
  readonly delayMs: number;
  /** What becomes of its rectangle before the next frame. */
  readonly dispose: 'none' | 'background' | 'previous';
  readonly blend: 'source' | 'over';
  /** To be put together. */
  readonly pixels: Buffer[];
}

/** Beside the header, the chunks that say what the pixels mean. */
const SHARED_TYPES: readonly string[] = ['PLTE', 'tRNS', 'cHRM', 'gAMA', 'iCCP', 'sBIT', 'sRGB', 'cICP'];
const HEADER_BYTES = 13;
const FRAME_CONTROL_BYTES = 26;
const DISPOSALS = ['none', 'background', 'previous'] as const;
const BLENDS = ['source', 'over'] as const;

/**
 * Reads the frames up to the first that makes no sense or is not there.
 * @returns `undefined` for a PNG that does not say that it is animated, before its first pixels. PNG Specification,
 * third edition, section 11.3.6.
 */
export function readApng(png: Buffer): Apng | undefined {
  let header: Buffer | undefined;
  let plays: number | undefined;
  const shared: PngChunk[] = [];
  const frames: ApngFrame[] = [];
  for (const { type, content } of readPngChunks(png)) {
    if (header === undefined) {
      if (type !== 'IHDR' || content.length !== HEADER_BYTES) return undefined;
      header = content;
    } else if (type === 'acTL' && content.length >= 8) {
      plays = content.readUInt32BE(4);
    } else if (type === 'fcTL') {
      const frame = readFrame(content, header);
      if (frame === undefined) break;
      frames.push(frame);
    } else if (type === 'IDAT') {
      if (plays === undefined) return undefined;
      // Before any frame control these are the pixels of a picture for those who know no animations.
      frames.at(-1)?.pixels.push(content);
    } else if (type === 'fdAT' && content.length > 4) {
      frames.at(-1)?.pixels.push(content.subarray(4)); // behind the sequence number
    } else if (SHARED_TYPES.includes(type)) {
      shared.push({ type, content });
    }
  }
  if (header === undefined || plays === undefined) return undefined;
  const missing = frames.findIndex(({ pixels }) => pixels.length === 0);
  return { ...sizeOf(header), header, shared, frames: missing === -1 ? frames : frames.slice(0, missing), plays };
}

function sizeOf(header: Buffer): Size {
  return { width: header.readUInt32BE(0), height: header.readUInt32BE(4) };
}

function readFrame(control: Buffer, header: Buffer): ApngFrame | undefined {
  if (control.length < FRAME_CONTROL_BYTES) return undefined;
  const [width, height] = [control.readUInt32BE(4), control.readUInt32BE(8)];
  const [x, y] = [control.readUInt32BE(12), control.readUInt32BE(16)];
  const canvas = sizeOf(header);
  const dispose = DISPOSALS[control.readUInt8(24)];
  const blend = BLENDS[control.readUInt8(25)];
  if (width === 0 || height === 0 || x + width > canvas.width || y + height > canvas.height) return undefined;
  if (dispose === undefined || blend === undefined) return undefined;
  const [numerator, denominator] = [control.readUInt16BE(20), control.readUInt16BE(22) || 100];
  return { width, height, x, y, delayMs: Math.round((1000 * numerator) / denominator), dispose, blend, pixels: [] };
}
