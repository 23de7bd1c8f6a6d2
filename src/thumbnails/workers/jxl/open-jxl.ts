import type { PixelSource } from '../pixels.ts';
import type { WasmDecoders } from '../wasm-decoders.ts';
import { decodeJxl } from './decode-jxl.ts';
import { findCodestream } from './find-codestream.ts';
import { readJxlHeader } from './read-jxl-header.ts';

/** @returns `undefined` for what is none, and for CMYK, of which the decoder does not know. @throws {Error} for a header that breaks off */
export function openJxl(source: Buffer, decoders: WasmDecoders): PixelSource | undefined {
  const codestream = findCodestream(source);
  if (codestream === undefined) return undefined;
  const { width, height, hasAlpha, isCmyk } = readJxlHeader(codestream);
  return isCmyk ? undefined : { width, height, hasAlpha, decode: () => decodeJxl(source, { width, height }, decoders) };
}
