import type { Location } from '../datastore.ts';
import { type BucketClient, objectIn } from './ask-bucket.ts';
import type { SentPart } from './bucket.ts';
import { headObject } from './head-object.ts';
import { asDatastoreError, codeOf } from './s3-errors.ts';
import { newObjectIn, write } from './write-objects.ts';

/** @returns its ID */
export async function startUpload(
  client: BucketClient,
  key: Location,
  contentType: string,
  signal: AbortSignal,
): Promise<string> {
  const asked = newObjectIn(client, key, contentType);
  return await write(client, 'begin an upload', 0, signal, {
    async send(s3, how) {
      const { UploadId } = await s3.send(new client.sdk.CreateMultipartUploadCommand(asked), how);
      if (UploadId === undefined) throw new Error('The upload has got no ID');
      return UploadId;
    },
  });
}

export async function sendPart(
  client: BucketClient,
  key: Location,
  uploadId: string,
  partNumber: number,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<SentPart> {
  const part = { UploadId: uploadId, PartNumber: partNumber };
  const asked = { ...objectIn(client, key), ...part, Body: bytes, ContentLength: bytes.length };
  return await write(client, 'write a part', bytes.length, signal, {
    async send(s3, how) {
      const { ETag } = await s3.send(new client.sdk.UploadPartCommand(asked), how);
      return { PartNumber: partNumber, ETag };
    },
  });
}

export async function completeUpload(
  client: BucketClient,
  key: Location,
  uploadId: string,
  parts: readonly SentPart[],
  sizeBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const asked = { ...objectIn(client, key), UploadId: uploadId, MultipartUpload: { Parts: [...parts] } };
  const copied = sizeBytes / 16; // some services copy the parts together
  const isKnown = await write<boolean>(client, 'complete an upload', copied, signal, {
    async send(s3, how) {
      await s3.send(new client.sdk.CompleteMultipartUploadCommand(asked), how);
      return true;
    },
    mayBe: (error) => (codeOf(error) === 'NoSuchUpload' ? { answer: false } : undefined),
  });
  // The answer to an earlier try may have been lost.
  if (!isKnown && (await headObject(client, key, signal)) !== sizeBytes) {
    throw asDatastoreError(new Error('The upload is gone'), 'complete an upload', []);
  }
}

export async function abortUpload(
  client: BucketClient,
  key: Location,
  uploadId: string,
  signal: AbortSignal,
): Promise<void> {
  const asked = { ...objectIn(client, key), UploadId: uploadId };
  await write<unknown>(client, 'abort an upload', 0, signal, {
    send: (s3, how) => s3.send(new client.sdk.AbortMultipartUploadCommand(asked), how),
    mayBe: (error) => (codeOf(error) === 'NoSuchUpload' ? { answer: undefined } : undefined),
  });
}
