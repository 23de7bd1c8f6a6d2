import { BadRequest } from '../matrix/index.ts';

/** So many pieces may be as small as they like: some programs send the begin of a file line by line. */
const FREE_PIECES = 4096;
/** Of all pieces, on average. */
const MIN_PIECE_BYTES = 32;

/**
 * Ends a body that comes in pieces of a few bytes. Each takes hundreds of bytes of memory and as much time as a large one, so a
 * client with little effort could cost us much.
 * @throws {BadRequest}
 */
export async function* refuseCrumbs(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces = 0;
  let bytes = 0;
  for await (const piece of body) {
    pieces += 1;
    bytes += piece.length;
    if (pieces > FREE_PIECES && bytes < pieces * MIN_PIECE_BYTES) {
      throw new BadRequest(
        `The body comes in chunks that are too small; send ${MIN_PIECE_BYTES} bytes or more in each`,
      );
    }
    yield piece;
  }
}
