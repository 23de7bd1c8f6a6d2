import type { MediaSource } from './programs/extractor.ts';

/** A file that is read when its turn has come, and then piece by piece: neither what waits nor its size takes memory. */
export interface SourceStream {
  readonly sizeBytes: number;
  /** To be called once. A piece is valid until the next one is asked for. */
  read(): AsyncIterable<Uint8Array>;
}

/** What makes a file when its turn has come, and holds a worker meanwhile; it has to end by itself when nobody waits any more. */
type SourceMaker = () => Promise<Uint8Array>;

/** A whole file. */
export type Source = Uint8Array | SourceStream | SourceMaker;

export async function openSource(source: Source): Promise<SourceStream> {
  return asStream(typeof source === 'function' ? await source() : source);
}

function asStream(source: Uint8Array | SourceStream): SourceStream {
  if (!(source instanceof Uint8Array)) return source;
  return {
    sizeBytes: source.length,
    async *read() {
      if (source.length > 0) yield source;
    },
  };
}

/** Does not dispose the object, which has to stay open until it has been read. */
export function sourceOf(object: MediaSource, signal: AbortSignal): SourceStream {
  const { sizeBytes } = object;
  return {
    sizeBytes,
    async *read() {
      if (sizeBytes > 0) yield* object.read({ start: 0, end: sizeBytes - 1 }, signal);
    },
  };
}
