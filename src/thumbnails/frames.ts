/** One message on the pipe between the server and a worker. */
export interface Frame {
  /** Any value that JSON has. */
  readonly head: unknown;
  readonly body: Buffer;
}

const LENGTHS_BYTES = 8;
const MAX_HEAD_BYTES = 4096;

/** What is written before the body: both lengths as 32-bit numbers, then the head as JSON. */
export function encodeFrameStart(head: unknown, bodyBytes: number): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32BE(json.length, 0);
  lengths.writeUInt32BE(bodyBytes, 4);
  return Buffer.concat([lengths, json]);
}

/**
 * Ends where the stream ends; a frame that is broken off is not given.
 * @throws {Error} for what is not a frame, or one with more than `maxBodyBytes`
 */
export async function* readFrames(
  chunks: AsyncIterable<Buffer>,
  maxBodyBytes: number,
): AsyncGenerator<Frame, void, undefined> {
  const pipe = new PipeReader(chunks);
  for (;;) {
    const lengths = await pipe.take(LENGTHS_BYTES);
    if (lengths === undefined) return;
    const headBytes = lengths.readUInt32BE(0);
    const bodyBytes = lengths.readUInt32BE(4);
    if (headBytes > MAX_HEAD_BYTES || bodyBytes > maxBodyBytes) throw new Error('The pipe carries no frame');
    const json = await pipe.take(headBytes);
    const body = json && (await pipe.take(bodyBytes));
    if (json === undefined || body === undefined) return;
    const head: unknown = JSON.parse(json.toString());
    yield { head, body };
  }
}

/** Gives the bytes of a stream in the portions that are asked for. */
class PipeReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @returns `undefined` when the stream ends before that many bytes */
  async take(bytes: number): Promise<Buffer | undefined> {
    const taken = Buffer.allocUnsafe(bytes);
    let position = 0;
    for (;;) {
      const copied = this.#rest.copy(taken, position);
      position += copied;
      this.#rest = this.#rest.subarray(copied);
      if (position === bytes) return taken;
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
  }
}
