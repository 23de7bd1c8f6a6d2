import type { Location } from '../datastore.ts';
import type { Bucket, SentPart } from './bucket.ts';
import { asDatastoreError } from './s3-errors.ts';

/** An object that nobody sees before all of its parts are there. */
export interface MultipartUpload {
  /** @param partNumber from 1 to 10000 */
  send(partNumber: number, bytes: Uint8Array): Promise<void>;
  complete(): Promise<void>;
  /** Takes what was sent away again. Nothing may be on its way any more. */
  abort(signal: AbortSignal): Promise<void>;
}

const MAX_PARTS = 10_000;

/** @param signal ends what is sent, and not `abort` */
export async function startMultipartUpload(
  bucket: Bucket,
  key: Location,
  contentType: string,
  signal: AbortSignal,
): Promise<MultipartUpload> {
  const uploadId = await bucket.startUpload(key, contentType, signal);
  const parts: SentPart[] = [];
  let sizeBytes = 0;
  return {
    async send(partNumber, bytes) {
      if (partNumber > MAX_PARTS) throw asDatastoreError(new Error('An object has 48 GiB at most'), 'write a part', []);
      parts.push(await bucket.sendPart(key, uploadId, partNumber, bytes, signal));
      sizeBytes += bytes.length;
    },
    async complete() {
      parts.sort((one, other) => (one.PartNumber ?? 0) - (other.PartNumber ?? 0));
      await bucket.completeUpload(key, uploadId, parts, sizeBytes, signal);
    },
    abort: (aborting) => bucket.abortUpload(key, uploadId, aborting),
  };
}
