import type { ByteRange, Location, Redirect, StoredObject } from '../datastore.ts';
import { readBody } from './body.ts';
import type { Answer, Bucket } from './bucket.ts';
import { asDatastoreError, lostObject } from './s3-errors.ts';

export interface S3ObjectParts {
  readonly bucket: Bucket;
  readonly datastoreId: string;
  readonly location: Location;
  /** Checked with the first answer. */
  readonly sizeBytes: number;
  readonly redirect: Redirect | undefined;
}

/** So often a body may break off without having brought much in between. */
const MAX_BREAKS = 3;
const PROGRESS_BYTES = 1024 * 1024;

/**
 * An object that is asked for when it is read. A body that breaks off is taken up again where it was, and so is one that
 * was let go because its reader took its time: a connection is held by those only who take what it brings.
 */
export function createS3Object({ bucket, datastoreId, location, sizeBytes, redirect }: S3ObjectParts): StoredObject {
  let etag: string | undefined;
  /** Of all of it, and not yet read. */
  let begun: Answer | undefined;

  const ask = async ({ start, end }: ByteRange, signal: AbortSignal): Promise<Answer> => {
    const isWhole = start === 0 && end === sizeBytes - 1;
    const answer = await bucket.get(location, isWhole ? undefined : { start, end }, etag, signal);
    if (answer === undefined) throw lostObject(datastoreId, location, 'is not there', sizeBytes);
    if (answer === 'other') throw lostObject(datastoreId, location, 'has changed or is too short', sizeBytes);
    const isOther = etag !== undefined && answer.etag !== etag;
    if (answer.sizeBytes !== sizeBytes || isOther) {
      answer.body.destroy();
      const found = isOther
        ? 'has changed while it was read'
        : `has ${answer.sizeBytes ?? 'nobody knows how many'} bytes`;
      throw lostObject(datastoreId, location, found, sizeBytes);
    }
    etag = answer.etag;
    return answer;
  };

  const takeBegun = (range: ByteRange): Answer | undefined => {
    if (range.start !== 0 || range.end !== sizeBytes - 1) return undefined;
    const answer = begun;
    begun = undefined;
    return answer;
  };

  return {
    sizeBytes,
    redirect,
    async confirm(signal) {
      if (etag !== undefined) return; // has been answered before
      if (sizeBytes === 0) {
        const found = await bucket.head(location, signal);
        if (found !== 0)
          throw lostObject(datastoreId, location, found === undefined ? 'is not there' : `has ${found} bytes`, 0);
        return;
      }
      begun = await ask({ start: 0, end: sizeBytes - 1 }, signal);
    },
    async *read(range, signal) {
      let position = range.start;
      let answer = takeBegun(range);
      for (let breaks = 0; position <= range.end; answer = undefined) {
        signal.throwIfAborted();
        answer ??= await ask({ start: position, end: range.end }, signal);
        const from = position;
        const end = yield* readBody(answer.body, bucket.timeoutMs, signal, (bytes) => {
          position += bytes;
        });
        breaks = end === 'let go' || position - from >= PROGRESS_BYTES ? 0 : breaks + 1;
        if (position <= range.end && breaks > MAX_BREAKS) throw brokenOff(location, position);
      }
    },
    async [Symbol.asyncDispose]() {
      begun?.body.destroy();
      begun = undefined;
    },
  };
}

function brokenOff(location: Location, position: number): unknown {
  const cause = new Error(`Object ${location} breaks off again and again, at last at byte ${position}`);
  return asDatastoreError(cause, 'send all of an object', []);
}
