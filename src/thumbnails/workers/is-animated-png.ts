const SIGNATURE_BYTES = 8;

/**
 * Whether a PNG has frames: an `acTL` chunk before the first `IDAT`. The decoder does not tell, it knows the still
 * picture only. PNG Specification, third edition, section 11.3.6.1.
 */
export function isAnimatedPng(png: Buffer): boolean {
  let position = SIGNATURE_BYTES;
  while (position + 8 <= png.length) {
    const type = png.toString('latin1', position + 4, position + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
    position += 12 + png.readUInt32BE(position); // length, type, content, checksum
  }
  return false;
}
