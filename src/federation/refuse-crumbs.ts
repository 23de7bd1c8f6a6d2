import { OutboundError } from '../outbound/index.ts';

/** So many pieces may be as small as they like: nobody knows into what a network cuts an answer. */
const FREE_PIECES = 4096;
/** Of all pieces, on average. */
const MIN_PIECE_BYTES = 32;

/**
 * Ends a body that comes in chunks of a few bytes, as those of clients are ended. Each costs as much time as a large one, so
 * a server that sends little could keep this one busy.
 * @throws {OutboundError}
 */
export async function* refuseCrumbs(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces = 0;
  let bytes = 0;
  for await (const piece of body) {
    pieces += 1;
    bytes += piece.length;
    if (pieces > FREE_PIECES && bytes < pieces * MIN_PIECE_BYTES) {
      throw new OutboundError('protocol', `The answer comes in pieces of less than ${MIN_PIECE_BYTES} bytes`);
    }
    yield piece;
  }
}
