import sharp from 'sharp';
import { PNG_SIGNATURE, writePngChunk } from './png-chunks.ts';
import type { Apng, ApngFrame } from './read-apng.ts';

/**
 * The pictures that a viewer sees one after the other, each as large as the whole. What comes before `first` is drawn
 * as well, for a frame builds on those before it.
 * @returns RGBA in sRGB, one frame below the other
 * @throws {Error} for a damaged frame
 */
export async function composeFrames(apng: Apng, first: number, count: number): Promise<Buffer> {
  const canvasBytes = apng.width * apng.height * 4;
  const canvas = Buffer.alloc(canvasBytes);
  const pictures = Buffer.alloc(canvasBytes * count);
  for (const [index, frame] of apng.frames.slice(0, first + count).entries()) {
    const pixels = await decodeFrame(apng, frame);
    // Before the first frame there is nothing to return to.
    const dispose = index === 0 && frame.dispose === 'previous' ? 'background' : frame.dispose;
    const before = dispose === 'previous' ? Buffer.from(canvas) : undefined;
    draw(canvas, apng.width, frame, pixels);
    if (index >= first) canvas.copy(pictures, (index - first) * canvasBytes);
    if (before !== undefined) before.copy(canvas);
    if (dispose === 'background') clear(canvas, apng.width, frame);
  }
  return pictures;
}

/** As a PNG of its own, so that the decoder is the same as for any other. */
async function decodeFrame({ header, shared }: Apng, { width, height, pixels }: ApngFrame): Promise<Buffer> {
  const ownHeader = Buffer.from(header);
  ownHeader.writeUInt32BE(width, 0);
  ownHeader.writeUInt32BE(height, 4);
  const png = Buffer.concat([
    PNG_SIGNATURE,
    ...[
      { type: 'IHDR', content: ownHeader },
      ...shared,
      { type: 'IDAT', content: Buffer.concat(pixels) },
      { type: 'IEND', content: Buffer.alloc(0) },
    ].map(writePngChunk),
  ]);
  return await sharp(png, { failOn: 'none', limitInputPixels: false })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .toBuffer();
}

function draw(canvas: Buffer, canvasWidth: number, frame: ApngFrame, pixels: Buffer): void {
  const rowBytes = frame.width * 4;
  for (let row = 0; row < frame.height; row += 1) {
    const target = ((frame.y + row) * canvasWidth + frame.x) * 4;
    const from = row * rowBytes;
    if (frame.blend === 'source') pixels.copy(canvas, target, from, from + rowBytes);
    else for (let x = 0; x < rowBytes; x += 4) blendOver(canvas, target + x, pixels, from + x);
  }
}

/** PNG Specification, third edition, section 13.16. Neither side is premultiplied. */
function blendOver(canvas: Buffer, target: number, pixels: Buffer, from: number): void {
  const above = pixels[from + 3] ?? 0;
  if (above === 0) return;
  const below = ((255 - above) * (canvas[target + 3] ?? 0)) / 255;
  const alpha = above + below;
  for (let channel = 0; channel < 3; channel += 1) {
    const mixed = (pixels[from + channel] ?? 0) * above + (canvas[target + channel] ?? 0) * below;
    canvas[target + channel] = Math.round(mixed / alpha);
  }
  canvas[target + 3] = Math.round(alpha);
}

function clear(canvas: Buffer, canvasWidth: number, frame: ApngFrame): void {
  for (let row = 0; row < frame.height; row += 1) {
    const start = ((frame.y + row) * canvasWidth + frame.x) * 4;
    canvas.fill(0, start, start + frame.width * 4);
  }
}
