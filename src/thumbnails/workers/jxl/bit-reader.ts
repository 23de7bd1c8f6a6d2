/** How a number of JPEG XL is stored: a fixed value, or so many bits and what is added to them. */
type Choice = number | { readonly bits: number; readonly plus?: number };
export type Choices = readonly [Choice, Choice, Choice, Choice];

const ENUM: Choices = [0, 1, { bits: 4, plus: 2 }, { bits: 6, plus: 18 }];

/** Reads the header of a JPEG XL picture, lowest bit first. ISO/IEC 18181-1, section 9. */
export class BitReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** At most 32 bits. @throws {Error} behind the end */
  read(bits: number): number {
    let value = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const byte = this.#bytes[this.#position >> 3];
      if (byte === undefined) throw new Error('The header breaks off');
      value += ((byte >> (this.#position & 7)) & 1) * 2 ** bit;
      this.#position += 1;
    }
    return value;
  }

  readFlag(): boolean {
    return this.read(1) === 1;
  }

  /** Two bits choose. */
  readChoice(choices: Choices): number {
    const choice = choices[this.read(2)] ?? 0;
    return typeof choice === 'number' ? choice : this.read(choice.bits) + (choice.plus ?? 0);
  }

  readEnum(): number {
    return this.readChoice(ENUM);
  }

  skip(bits: number): void {
    this.#position += bits;
  }
}
