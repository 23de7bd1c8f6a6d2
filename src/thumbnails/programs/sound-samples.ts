/** Left and right, from -1 to 1. */
export type Sample = readonly [left: number, right: number];

const FULL_SCALE = 32_768;
/** Four megabytes, however long the sound is. */
const MAX_KEPT = 2 ** 20;

/**
 * Keeps samples of a sound that comes in pieces and whose length nobody knows before its end: all at first, every second one
 * when there are too many, then every fourth one, and so on.
 */
export class SoundSamples {
  readonly #channels: 1 | 2;
  readonly #maxKept: number;
  readonly #kept: Int16Array;
  /** One sample of so many is kept. */
  #stride = 1;
  #keptCount = 0;
  #total = 0;
  /** The begin of a sample that a piece broke off in. */
  #rest: Buffer = Buffer.alloc(0);

  /** @param channels that are interleaved in what comes */
  constructor(channels: 1 | 2, maxKept = MAX_KEPT) {
    this.#channels = channels;
    this.#maxKept = maxKept;
    this.#kept = new Int16Array(maxKept * 2);
  }

  /** Of one channel. */
  get total(): number {
    return this.#total;
  }

  /** @param pcm 16-bit signed numbers, little-endian */
  add(pcm: Buffer): void {
    const bytes = this.#rest.length === 0 ? pcm : Buffer.concat([this.#rest, pcm]);
    const sampleBytes = 2 * this.#channels;
    const count = Math.floor(bytes.length / sampleBytes);
    // The first one from here whose place is a multiple of the stride.
    let next = (this.#stride - (this.#total % this.#stride)) % this.#stride;
    while (next < count) {
      if (this.#keptCount === this.#maxKept) {
        this.#halve();
        if ((this.#total + next) % this.#stride !== 0) next += this.#stride / 2;
        continue;
      }
      const at = next * sampleBytes;
      const left = bytes.readInt16LE(at);
      this.#kept[2 * this.#keptCount] = left;
      this.#kept[2 * this.#keptCount + 1] = this.#channels === 2 ? bytes.readInt16LE(at + 2) : left;
      this.#keptCount += 1;
      next += this.#stride;
    }
    this.#total += count;
    this.#rest = Buffer.from(bytes.subarray(count * sampleBytes));
  }

  /**
   * So many single samples at equal distances from the first one on; fewer where the sound ends before. Of a sound that is too
   * long to be kept whole, the nearest kept one before the place.
   */
  choose(count: number): Sample[] {
    const step = Math.max(1, Math.round(this.#total / count));
    const chosen: Sample[] = [];
    for (let at = 0; chosen.length < count && at < this.#total; at += step) {
      const index = 2 * Math.floor(at / this.#stride);
      chosen.push([(this.#kept[index] ?? 0) / FULL_SCALE, (this.#kept[index + 1] ?? 0) / FULL_SCALE]);
    }
    return chosen;
  }

  #halve(): void {
    this.#stride *= 2;
    this.#keptCount = Math.ceil(this.#keptCount / 2);
    for (let index = 0; index < this.#keptCount; index += 1) {
      this.#kept[2 * index] = this.#kept[4 * index] ?? 0;
      this.#kept[2 * index + 1] = this.#kept[4 * index + 1] ?? 0;
    }
  }
}
