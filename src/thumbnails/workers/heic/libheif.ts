import type { InstanceOptions, WasmDecoders } from '../wasm-decoders.ts';

type Pointer = number;

/** The part of libheif's C interface that is used here. Results that are structures are written where the first argument points to. */
export interface Libheif {
  /** Another one whenever the memory has grown. */
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  _malloc(bytes: number): Pointer;
  _heif_context_alloc(): Pointer;
  _heif_context_set_maximum_image_size_limit(context: Pointer, side: number): void;
  _heif_context_read_from_memory_without_copy(
    error: Pointer,
    context: Pointer,
    bytes: Pointer,
    length: number,
    options: 0,
  ): void;
  _heif_context_get_primary_image_handle(error: Pointer, context: Pointer, handle: Pointer): void;
  _heif_image_handle_get_width(handle: Pointer): number;
  _heif_image_handle_get_height(handle: Pointer): number;
  _heif_image_handle_has_alpha_channel(handle: Pointer): number;
  _heif_image_handle_is_premultiplied_alpha(handle: Pointer): number;
  _heif_image_handle_get_color_profile_type(handle: Pointer): number;
  _heif_image_handle_get_raw_color_profile_size(handle: Pointer): number;
  _heif_image_handle_get_raw_color_profile(error: Pointer, handle: Pointer, profile: Pointer): void;
  _heif_image_handle_get_nclx_color_profile(error: Pointer, handle: Pointer, profile: Pointer): void;
  _heif_decode_image(
    error: Pointer,
    handle: Pointer,
    image: Pointer,
    colourSpace: number,
    chroma: number,
    options: 0,
  ): void;
  _heif_image_get_width(image: Pointer, channel: number): number;
  _heif_image_get_height(image: Pointer, channel: number): number;
  _heif_image_get_plane_readonly2(image: Pointer, channel: number, stride: Pointer): Pointer;
}

/** A new instance of libheif with libde265, compiled to WebAssembly. */
export async function instantiateLibheif(decoders: WasmDecoders): Promise<Libheif> {
  const module: unknown = await import('libheif-js/libheif-wasm/libheif.js');
  const { default: create } = module as { readonly default: Create }; // its own types describe another kind of module
  return await create(await decoders.prepareInstance('libheif-js/libheif-wasm/libheif.wasm'));
}

type Create = (options: InstanceOptions) => Libheif | Promise<Libheif>;
