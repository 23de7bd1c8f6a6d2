import type { Readable } from 'node:stream';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { ByteRange, ListedObject, Location, RedirectedHeaders } from '../datastore.ts';

/** An answer whose body is still to be read, or to be destroyed. */
export interface Answer {
  readonly body: Readable;
  /** Of the whole object; `undefined`: the service does not say. */
  readonly sizeBytes: number | undefined;
  readonly etag: string | undefined;
}

/** A part that has arrived. */
export type SentPart = CompletedPart;

/**
 * What is asked of a bucket. Each wait has a limit, and errors are the datastore's own: nothing that is secret is in them.
 * @throws {Unavailable} {@link StorageFull}
 */
export interface Bucket {
  /** @param range `undefined`: all of it. @returns `undefined`: no such object; `'other'`: another one than `etag` says */
  get(
    key: Location,
    range: ByteRange | undefined,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<Answer | 'other' | undefined>;
  /** The size; `undefined`: the bucket is there, and has no such object. */
  head(key: Location, signal: AbortSignal): Promise<number | undefined>;
  put(key: Location, bytes: Uint8Array, contentType: string, signal: AbortSignal): Promise<void>;
  /** @param open called for each try */
  putStream(
    key: Location,
    open: () => Readable,
    sizeBytes: number,
    contentType: string,
    signal: AbortSignal,
  ): Promise<void>;
  /** @returns its ID */
  startUpload(key: Location, contentType: string, signal: AbortSignal): Promise<string>;
  sendPart(
    key: Location,
    uploadId: string,
    partNumber: number,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<SentPart>;
  completeUpload(
    key: Location,
    uploadId: string,
    parts: readonly SentPart[],
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<void>;
  abortUpload(key: Location, uploadId: string, signal: AbortSignal): Promise<void>;
  delete(key: Location, signal: AbortSignal): Promise<void>;
  /** So many as the service tells at once, in the order of their names. @param after empty for the first ones */
  listSome(
    after: Location,
    signal: AbortSignal,
  ): Promise<{ readonly objects: ListedObject[]; readonly isLast: boolean }>;
  /** Good for so many seconds. `undefined`: there is no key to sign with */
  sign(key: Location, headers: RedirectedHeaders, seconds: number, signal: AbortSignal): Promise<string | undefined>;
  /** @throws {Unavailable} when the bucket does not answer, or does not know us */
  probe(signal: AbortSignal): Promise<void>;
  /** So long a single question, or the next piece of an answer, may take. */
  readonly timeoutMs: number;
  close(): void;
}
