import type { PixelSource } from '../pixels.ts';
import type { WasmDecoders } from '../wasm-decoders.ts';
import { findColourProfile } from './find-colour-profile.ts';
import { HeifMemory } from './heif-memory.ts';
import { instantiateLibheif, type Libheif } from './libheif.ts';

/** Numbers of libheif's `heif_colorspace`, `heif_chroma` and `heif_channel`. */
const RGB = 1;
const INTERLEAVED_RGB = 10;
const INTERLEAVED_RGBA = 11;
const INTERLEAVED = 10;

/**
 * Opens the main picture of a HEIF file with HEVC in it. Nothing is decoded yet; the decoder turns and mirrors pictures as
 * the container says. What it allocates goes with its instance, so nothing is given back one by one.
 * @param maxPixels what the decoder may believe; the header that it reads is not always that of the pixels
 * @throws {Error} for a header that cannot be read
 */
export async function openHeic(source: Buffer, maxPixels: number, decoders: WasmDecoders): Promise<PixelSource> {
  const heif = await instantiateLibheif(decoders);
  const memory = new HeifMemory(heif);
  const context = heif._heif_context_alloc();
  heif._heif_context_set_maximum_image_size_limit(context, Math.ceil(Math.sqrt(maxPixels)));
  const bytes = memory.put(source);
  memory.check((error) => heif._heif_context_read_from_memory_without_copy(error, context, bytes, source.length, 0));
  const handle = memory.take((error, result) => heif._heif_context_get_primary_image_handle(error, context, result));
  const hasAlpha = heif._heif_image_handle_has_alpha_channel(handle) !== 0;
  return {
    width: heif._heif_image_handle_get_width(handle),
    height: heif._heif_image_handle_get_height(handle),
    hasAlpha,
    decode: async () => ({
      ...decode(heif, memory, handle, hasAlpha ? 4 : 3),
      isPremultiplied: heif._heif_image_handle_is_premultiplied_alpha(handle) !== 0,
      ...findColourProfile(heif, memory, handle),
    }),
  };
}

function decode(heif: Libheif, memory: HeifMemory, handle: number, channels: 3 | 4) {
  const chroma = channels === 4 ? INTERLEAVED_RGBA : INTERLEAVED_RGB;
  const image = memory.take((error, result) => heif._heif_decode_image(error, handle, result, RGB, chroma, 0));
  const width = heif._heif_image_get_width(image, INTERLEAVED);
  const height = heif._heif_image_get_height(image, INTERLEAVED);
  if (width !== heif._heif_image_handle_get_width(handle) || height !== heif._heif_image_handle_get_height(handle)) {
    throw new Error('The picture has not the size that its header tells');
  }
  const strideAt = memory.put(Buffer.alloc(4));
  const plane = heif._heif_image_get_plane_readonly2(image, INTERLEAVED, strideAt);
  const stride = memory.readUInt32(strideAt);
  const rowBytes = width * channels;
  const data = Buffer.alloc(rowBytes * height);
  for (let row = 0; row < height; row += 1) {
    const start = plane + row * stride;
    data.set(heif.HEAPU8.subarray(start, start + rowBytes), row * rowBytes);
  }
  return { width, height, channels, data } as const;
}
