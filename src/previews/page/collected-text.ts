/** The begin of a text that comes in pieces. */
export class CollectedText {
  readonly #maxLength: number;
  readonly #pieces: string[] = [];
  #length = 0;
  #endsWithSpace = true;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  get isFull(): boolean {
    return this.#length >= this.#maxLength;
  }

  add(piece: string): void {
    if (this.isFull || piece === '') return;
    const kept = piece.slice(0, this.#maxLength - this.#length);
    this.#pieces.push(kept);
    this.#length += kept.length;
    this.#endsWithSpace = kept.endsWith(' ');
  }

  /** Between what is not read as one word. */
  addSpace(): void {
    if (!this.#endsWithSpace) this.add(' ');
  }

  /** Without space around it. */
  get value(): string {
    return this.#pieces.join('').trim();
  }
}
