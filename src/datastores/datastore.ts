/** What an object is kept for; an operator's `forKinds` says which datastore takes which. */
export type Kind = 'local_media' | 'remote_media' | 'thumbnails' | 'archives';

/** Where an object lies within its datastore, as MMR writes it into the database: relative, with forward slashes. */
export type Location = string;

/** Bytes to send, counted from 0, both ends included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What the database says of an object. */
export interface KnownContent {
  readonly sizeBytes: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/**
 * A place that keeps immutable objects. Bytes come in through a temporary, which becomes an object or leaves no trace.
 * Every driver passes the same suite (`contract.test.ts`).
 */
export interface Datastore extends AsyncDisposable {
  /** Stands in the database beside each location; never changes. */
  readonly id: string;

  /**
   * A temporary on the same disk or bucket as the objects.
   * @param contentType told to those who fetch the object without us, where the datastore can
   * @param isReadable whether its bytes are wanted before they are an object; that may cost a detour
   * @throws {StorageFull}
   */
  createTemporary(contentType: string, signal: AbortSignal, isReadable?: boolean): Promise<Temporary>;

  /** `undefined`: there is no such object. Dispose what you get. @throws {Unavailable} */
  open(location: Location, signal: AbortSignal): Promise<StoredObject | undefined>;

  /**
   * As `open`, for those who know what to expect. A driver that would have to ask somebody may believe it: then a lost
   * object, or one of another size, shows in `confirm` or before the first chunk of a `read`, as an {@link InternalError}.
   */
  openKnown(location: Location, known: KnownContent, signal: AbortSignal): Promise<StoredObject | undefined>;

  /** Deleting what is not there is no error. */
  delete(location: Location, signal: AbortSignal): Promise<void>;

  /**
   * All that lies here, in the order of the locations; temporaries are left out. What comes or goes meanwhile may be among
   * it or not. @param after only what comes behind this location, which need not be there; empty for all
   * @throws {Unavailable}
   */
  list(after: Location, signal: AbortSignal): AsyncIterable<ListedObject | UnreadableEntry>;

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

/** What lies there is not known: a folder that cannot be listed, or a file that cannot be looked at. */
export interface UnreadableEntry {
  /** Of a folder it ends with a slash. */
  readonly location: Location;
  readonly cause: unknown;
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
   * Not there: nobody has asked for a readable one. @returns how many bytes it read; 0: none are there
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
  readonly redirect?: Redirect | undefined;

  /**
   * Finds out whether the object is there in its size, where opening it has not. What is asked for that is of use to a
   * `read` from the start.
   * @throws {InternalError} {@link Unavailable}
   */
  confirm?(signal: AbortSignal): Promise<void>;

  /**
   * Reads in order, at the pace of the reader. A chunk is valid until the next one is asked for: its memory is used
   * again. The range must lie inside the object.
   */
  read(range: ByteRange, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface Redirect {
  /** Better than bytes that are at hand, too. */
  readonly isPreferred: boolean;
  /**
   * @param headers that the answer there should have; a URL that is not signed cannot ask for any
   * @returns `undefined`: there is none at the moment
   */
  url(headers: RedirectedHeaders, signal: AbortSignal): Promise<string | undefined>;
}

export interface RedirectedHeaders {
  readonly 'Content-Type': string;
  readonly 'Content-Disposition': string;
}
