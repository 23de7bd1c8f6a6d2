import type { Size } from '../choose-size.ts';

/** Pixels that were decoded here and not by sharp: rows from the top, 8 bits a channel, without gaps. */
export interface Pixels extends Size {
  readonly channels: 3 | 4;
  readonly data: Buffer;
  /** Whether the colours have been multiplied by the alpha. */
  readonly isPremultiplied?: boolean;
  /** An ICC profile that says what the numbers mean. Without one they are sRGB. */
  readonly profile?: Buffer;
}

/** A still picture whose header has been read, for a decoder other than sharp's. */
export interface PixelSource extends Size {
  /** Width and height are those of the upright picture. */
  readonly hasAlpha: boolean;
  /** @throws {Error} for a damaged picture */
  decode(): Promise<Pixels>;
}
