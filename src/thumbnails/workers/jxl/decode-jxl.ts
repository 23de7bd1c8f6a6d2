import type { JXLModule } from '@jsquash/jxl/codec/dec/jxl_dec.js';
import type { Size } from '../../choose-size.ts';
import type { Pixels } from '../pixels.ts';
import type { WasmDecoders } from '../wasm-decoders.ts';

/** What browsers call ImageData. */
interface DecodedImage extends Size {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/**
 * Decodes with libjxl, compiled to WebAssembly. Colours come as sRGB, whatever the profile; of an animation comes the
 * first frame.
 * @param size of the upright picture, by its header
 * @throws {Error} for a damaged picture
 */
export async function decodeJxl(source: Buffer, size: Size, decoders: WasmDecoders): Promise<Pixels> {
  const { default: createDecoder } = await import('@jsquash/jxl/codec/dec/jxl_dec.js');
  const options = await decoders.prepareInstance('@jsquash/jxl/codec/dec/jxl_dec.wasm');
  const decoder = await createDecoder(options as object); // its types call the instance a module
  const image = decode(decoder, source);
  if (image?.width !== size.width || image.height !== size.height) throw new Error('The picture is damaged');
  const { data } = image;
  return { ...size, channels: 4, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
}

function decode(decoder: JXLModule, source: Buffer): DecodedImage | null {
  try {
    return decoder.decode(new Uint8Array(source));
  } finally {
    // Node has no such class, so the decoder makes a global one, which would keep this instance and all its memory.
    Reflect.deleteProperty(globalThis, 'ImageData');
  }
}
