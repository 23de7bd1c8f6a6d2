/** So many pieces may be as small as they like: some programs send the begin of a file line by line, and networks cut as they like. */
const FREE_PIECES = 4096;
/** Of all pieces, on average. */
const MIN_PIECE_BYTES = 32;

/**
 * Ends a body that comes in pieces of a few bytes. Each takes hundreds of bytes of memory and as much time as a large one, so
 * somebody who sends little could cost us much.
 * @param refusal what is thrown then, for an average of less than `minPieceBytes`
 */
export async function* refuseCrumbs<Piece extends Uint8Array>(
  body: AsyncIterable<Piece>,
  refusal: (minPieceBytes: number) => Error,
): AsyncGenerator<Piece> {
  let pieces = 0;
  let bytes = 0;
  for await (const piece of body) {
    pieces += 1;
    bytes += piece.length;
    if (pieces > FREE_PIECES && bytes < pieces * MIN_PIECE_BYTES) throw refusal(MIN_PIECE_BYTES);
    yield piece;
  }
}
