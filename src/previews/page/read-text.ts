import { findEncoding, PREFIX_BYTES } from './text-encoding.ts';

/** Makes text of bytes as they come. What is no text in its encoding becomes U+FFFD. */
export interface TextReader {
  /** Nothing at first: how a text is written shows in its first {@link PREFIX_BYTES}. */
  write(piece: Uint8Array): string;
  /** What is left when no more bytes come, for whatever reason. */
  end(): string;
}

/** @param declared the encoding by the `Content-Type` header */
export function createTextReader(declared: string | undefined): TextReader {
  let decoder: TextDecoder | undefined;
  let first: Uint8Array[] = [];
  let firstBytes = 0;
  const decodeFirst = () => {
    const prefix = Buffer.concat(first);
    first = [];
    decoder = new TextDecoder(findEncoding(prefix.subarray(0, PREFIX_BYTES), declared));
    return decoder.decode(prefix, { stream: true });
  };
  return {
    write(piece) {
      if (decoder !== undefined) return decoder.decode(piece, { stream: true });
      first.push(piece);
      firstBytes += piece.length;
      return firstBytes >= PREFIX_BYTES ? decodeFirst() : '';
    },
    end() {
      const begin = decoder === undefined ? decodeFirst() : '';
      return begin + (decoder?.decode() ?? '');
    },
  };
}
