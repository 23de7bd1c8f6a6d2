import type { Readable } from 'node:stream';
import type { Location } from '../datastore.ts';
import { ask, type BucketClient, objectIn, type Question } from './ask-bucket.ts';
import { codeOf, isMissing } from './s3-errors.ts';

/** The size; `undefined`: the bucket is there, and has no such object. */
export async function headObject(
  client: BucketClient,
  key: Location,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { sdk } = client;
  const found = await look<number | 'nothing' | undefined>(client, signal, {
    send: async (s3, how) => (await s3.send(new sdk.HeadObjectCommand(objectIn(client, key)), how)).ContentLength,
    mayBe: (error) => (isMissing(error) ? { answer: 'nothing' } : undefined),
  });
  return found === 'nothing' ? await lookAgain(client, key, signal) : found;
}

/**
 * HEAD has no body: its 404 may be about the bucket, or come from what is no S3 at all. GET tells.
 * @throws {Unavailable} unless it is the object that is missing
 */
async function lookAgain(client: BucketClient, key: Location, signal: AbortSignal): Promise<number | undefined> {
  const { sdk, options } = client;
  const found = await look<number | 'no such key' | 'nothing' | undefined>(client, signal, {
    async send(s3, how) {
      const { Body, ContentLength } = await s3.send(new sdk.GetObjectCommand(objectIn(client, key)), how);
      (Body as Readable | undefined)?.destroy(); // Node's kind, in Node
      return ContentLength;
    },
    mayBe(error) {
      if (codeOf(error) === 'NoSuchKey') return { answer: 'no such key' };
      return isMissing(error) ? { answer: 'nothing' } : undefined;
    },
  });
  if (found === 'nothing') {
    const asked = { Bucket: options.bucketName };
    await look(client, signal, { send: (s3, how) => s3.send(new sdk.HeadBucketCommand(asked), how) });
  }
  return typeof found === 'string' ? undefined : found;
}

function look<T>(client: BucketClient, signal: AbortSignal, question: Pick<Question<T>, 'send' | 'mayBe'>): Promise<T> {
  const { readers, timeoutMs } = client;
  return ask(client, { action: 'look at an object', to: readers, ms: timeoutMs, ...question }, signal);
}
