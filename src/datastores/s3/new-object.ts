import type { Log } from '../../telemetry/index.ts';
import type { Location } from '../datastore.ts';
import type { Bucket } from './bucket.ts';
import type { MultipartUpload } from './multipart-upload.ts';
import type { PartBuffers } from './part-buffers.ts';

/** What a temporary is to become, and with what. */
export interface NewObject {
  readonly bucket: Bucket;
  readonly key: Location;
  readonly contentType: string;
  readonly partBuffers: PartBuffers;
  readonly log: Log;
}

/** So long whoever has failed is held up by it; a bucket that is slow is waited for in the background. */
const PATIENCE_MS = 5_000;

/**
 * Takes away what an upload has left in the bucket that came to nothing. An answer that did not arrive may have been a good
 * one, so the object goes as well, when it may be there.
 */
export async function removeRemains(
  { bucket, key, log }: NewObject,
  upload: MultipartUpload | undefined,
  mayBeThere: boolean,
): Promise<void> {
  const signal = new AbortController().signal; // each request has its own limit, and whoever asked may have left
  const work = Promise.allSettled([upload?.abort(signal), mayBeThere ? bucket.delete(key, signal) : undefined]);
  const told = work.then((results) => {
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      const text = 'The remains of an upload stay in the bucket: a rule of the bucket may remove them';
      log.warn({ err: result.reason, key }, text);
    }
  });
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, PATIENCE_MS);
  await Promise.race([told, isLate]);
  clearTimeout(timer);
}
