import type { Libheif } from './libheif.ts';

/** A code, another code, and the place of a text. */
const ERROR_BYTES = 12;
const POINTER_BYTES = 4;

/** Passes values to libheif and back, through the memory of its instance. */
export class HeifMemory {
  readonly #heif: Libheif;

  constructor(heif: Libheif) {
    this.#heif = heif;
  }

  /** @returns where they are. @throws {Error} when there is no room for them */
  put(bytes: Uint8Array): number {
    const place = this.#heif._malloc(bytes.length);
    if (place === 0) throw new Error('The decoder has no memory left');
    this.#heif.HEAPU8.set(bytes, place);
    return place;
  }

  /** A copy. */
  get(place: number, bytes: number): Buffer {
    return Buffer.from(this.#heif.HEAPU8.subarray(place, place + bytes));
  }

  readUInt32(place: number): number {
    return this.get(place, 4).readUInt32LE();
  }

  /** @throws {Error} when the function reports one */
  check(call: (error: number) => void): void {
    const error = this.put(Buffer.alloc(ERROR_BYTES));
    call(error);
    const code = this.readUInt32(error);
    if (code !== 0) throw new Error(`libheif reports error ${code}.${this.readUInt32(error + 4)}`);
  }

  /** Calls a function that writes a pointer. @throws {Error} when it reports an error */
  take(call: (error: number, result: number) => void): number {
    const result = this.put(Buffer.alloc(POINTER_BYTES));
    this.check((error) => call(error, result));
    return this.readUInt32(result);
  }
}
