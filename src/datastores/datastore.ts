/** What an object is kept for; an operator's `forKinds` says which datastore takes which. */
export type Kind = 'local_media' | 'remote_media' | 'thumbnails' | 'archives';

/** Where an object lies within its datastore, as MMR writes it into the database: relative, with forward slashes. */
export type Location = string;

/** Bytes to send, counted from 0, both ends included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * A place that keeps immutable objects. Bytes come in through a temporary, which becomes an object or leaves no trace.
 * Every driver passes the same suite (`contract.test.ts`).
 */
export interface Datastore extends AsyncDisposable {
  /** Stands in the database beside each location; never changes. */
  readonly id: string;

  /** A temporary on the same disk or bucket as the objects. @throws {StorageFull} */
  createTemporary(signal: AbortSignal): Promise<Temporary>;

  /** `undefined`: there is no such object. Dispose what you get. @throws {Unavailable} */
  open(location: Location, signal: AbortSignal): Promise<StoredObject | undefined>;

  /** Deleting what is not there is no error. */
  delete(location: Location, signal: AbortSignal): Promise<void>;

  /**
   * All that lies here, in the order of the locations; temporaries are left out. What comes or goes meanwhile may be among
   * it or not. @param after only what comes behind this location, which need not be there; empty for all
   * @throws {Unavailable}
   */
  list(after: Location, signal: AbortSignal): AsyncIterable<ListedObject>;

  /** Resolves when objects can be read and written. @throws {Unavailable} with the cause */
  checkHealth(signal: AbortSignal): Promise<void>;
}

/** What a listing tells of an object. */
export interface ListedObject {
  readonly location: Location;
  readonly sizeBytes: number;
  /** When it was stored, in milliseconds since 1970. */
  readonly modifiedTs: number;
}

/** Bytes that are no object yet. Disposing it removes them, unless they were kept; to be disposed in any case. */
export interface Temporary extends AsyncDisposable {
  /**
   * Appends the bytes, whose memory is the temporary's until it resolves. One call after the other; the last one has to
   * be over before `keep`. @throws {StorageFull} {@link Unavailable}
   */
  write(chunks: readonly Uint8Array[]): Promise<void>;

  /**
   * Reads what has been written, until the temporary is disposed: also while more is, and when it has been kept.
   * Not there: these bytes cannot be read before they are an object. @returns how many bytes it read; 0: none are there
   */
  read?(into: Uint8Array, position: number): Promise<number>;

  /**
   * Makes the bytes an object. When it resolves they survive a crash of the machine.
   * To be called once. @throws {StorageFull}
   */
  keep(): Promise<Location>;
}

export interface StoredObject extends AsyncDisposable {
  readonly sizeBytes: number;
  /** All of it, where it is in memory already. */
  readonly bytes?: Uint8Array | undefined;
  /** Where clients can get it without us, if the operator has said so. */
  readonly publicUrl?: string | undefined;

  /**
   * Reads in order, at the pace of the reader. A chunk is valid until the next one is asked for: its memory is used
   * again. The range must lie inside the object.
   */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
