import { findEncoding, PREFIX_BYTES } from './text-encoding.ts';

/**
 * The text of a body, piece by piece. What is no text in its encoding becomes U+FFFD.
 * @param declared the encoding by the `Content-Type` header
 */
export async function* readText(
  body: AsyncIterable<Uint8Array>,
  declared: string | undefined,
): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | undefined;
  let first: Uint8Array[] = [];
  let firstBytes = 0;
  const decodeFirst = () => {
    const prefix = Buffer.concat(first);
    first = [];
    decoder = new TextDecoder(findEncoding(prefix.subarray(0, PREFIX_BYTES), declared));
    return decoder.decode(prefix, { stream: true });
  };
  for await (const chunk of body) {
    if (decoder !== undefined) {
      yield decoder.decode(chunk, { stream: true });
      continue;
    }
    first.push(chunk);
    firstBytes += chunk.length;
    if (firstBytes >= PREFIX_BYTES) yield decodeFirst();
  }
  if (decoder === undefined) yield decodeFirst();
  yield decoder?.decode() ?? '';
}
