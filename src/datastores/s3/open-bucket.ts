import type { S3Options } from '../../config/index.ts';
import type { BucketClient } from './ask-bucket.ts';
import type { Bucket } from './bucket.ts';
import { findCredentials } from './credentials.ts';
import { getObject } from './get-object.ts';
import { headObject } from './head-object.ts';
import { listSome } from './list-objects.ts';
import { probeBucket } from './probe-bucket.ts';
import { createRegion } from './region.ts';
import { createS3Client } from './s3-client.ts';
import { signUrl } from './sign-url.ts';
import { deleteObject, putObject, putStream } from './write-objects.ts';
import { abortUpload, completeUpload, sendPart, startUpload } from './write-parts.ts';

/** Loads what speaks to a bucket; asks nothing yet. */
export async function openBucket(options: S3Options, now: () => number): Promise<Bucket> {
  const [sdk, credentials] = await Promise.all([import('@aws-sdk/client-s3'), findCredentials(options, now)]);
  const region = createRegion(options.region, options.endpoint);
  const readers = createS3Client(sdk, options, credentials, region);
  const writers = createS3Client(sdk, options, credentials, region); // slow readers keep nobody from writing
  const timeoutMs = options.timeoutSeconds * 1000;
  const client: BucketClient = { sdk, options, readers, writers, timeoutMs, now };
  return {
    timeoutMs,
    get: (...asked) => getObject(client, ...asked),
    head: (...asked) => headObject(client, ...asked),
    listSome: (...asked) => listSome(client, ...asked),
    sign: (...asked) => signUrl(client, region, ...asked),
    probe: (signal) => probeBucket(client, signal),
    put: (...asked) => putObject(client, ...asked),
    putStream: (...asked) => putStream(client, ...asked),
    delete: (...asked) => deleteObject(client, ...asked),
    startUpload: (...asked) => startUpload(client, ...asked),
    sendPart: (...asked) => sendPart(client, ...asked),
    completeUpload: (...asked) => completeUpload(client, ...asked),
    abortUpload: (...asked) => abortUpload(client, ...asked),
    close() {
      readers.close();
      writers.close();
    },
  };
}
