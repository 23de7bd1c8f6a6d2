import type { StoredObject, Temporary } from '../../datastores/index.ts';
import { orAborted } from '../../waiting/index.ts';

/** Opens the object that the bytes have become. */
export type OpenStored = (signal: AbortSignal) => Promise<StoredObject>;

type Progress =
  | { readonly state: 'coming' }
  | { readonly state: 'accepted' }
  | { readonly state: 'stored'; readonly open: OpenStored }
  | { readonly state: 'failed'; readonly error: unknown };

/** What is read at once for one reader. */
const CHUNK_BYTES = 128 * 1024;
/** Nobody gets the last byte before all of them are accepted: what breaks off must not look whole. */
const HELD_BACK_BYTES = 1;

/**
 * Bytes on their way into a datastore, which may be read before the last one is there. Readers go at their own pace: what
 * has been written they read from the temporary, and what they have not read by then from the stored object.
 */
export class ComingBytes {
  readonly #temporary: Temporary;
  #progress: Progress = { state: 'coming' };
  #writtenBytes = 0;
  #changed = Promise.withResolvers<void>();

  /** @param temporary which is readable, and is disposed only after `store` or `fail` */
  constructor(temporary: Temporary) {
    this.#temporary = temporary;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  get hasFailed(): boolean {
    return this.#progress.state === 'failed';
  }

  /** So many bytes are written by now. */
  advance(writtenBytes: number): void {
    this.#writtenBytes = writtenBytes;
    this.#tell(this.#progress);
  }

  /** All of them are there, and may be given. */
  accept(): void {
    this.#tell({ state: 'accepted' });
  }

  store(open: OpenStored): void {
    this.#tell({ state: 'stored', open });
  }

  /** Readers that are not at the end by now fail with the error. */
  fail(error: unknown): void {
    if (this.#progress.state !== 'stored') this.#tell({ state: 'failed', error });
  }

  /** From the first byte to the last, as they come. A chunk is valid until the next one is asked for. */
  async *read(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    /** Not held by those who wait: there may be thousands. */
    let buffer: Buffer | undefined;
    for (let position = 0; ; ) {
      signal.throwIfAborted();
      const progress = this.#progress;
      if (progress.state === 'failed') throw progress.error;
      if (progress.state === 'stored') return yield* this.#readStored(progress.open, position, signal);
      const isAccepted = progress.state === 'accepted';
      const readable = this.#writtenBytes - position - (isAccepted ? 0 : HELD_BACK_BYTES);
      if (readable > 0) {
        buffer ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
        const wanted = buffer.subarray(0, Math.min(readable, CHUNK_BYTES));
        const bytes = (await this.#temporary.read?.(wanted, position)) ?? 0;
        if (bytes === 0) throw new Error(`The temporary ends at byte ${position}, before what was written does`);
        position += bytes;
        yield wanted.subarray(0, bytes);
      } else if (isAccepted) return;
      else {
        buffer = undefined;
        await orAborted(this.#changed.promise, signal);
      }
    }
  }

  async *#readStored(open: OpenStored, position: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (position >= this.#writtenBytes) return;
    await using object = await open(signal);
    yield* object.read({ start: position, end: this.#writtenBytes - 1 }, signal);
  }

  #tell(progress: Progress): void {
    this.#progress = progress;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
