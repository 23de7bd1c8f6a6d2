import type { Readable } from 'node:stream';
import { ask, type BucketClient, objectIn } from './ask-bucket.ts';
import { codeOf, isMissing } from './s3-errors.ts';

/** No object has this name. */
const PROBED_KEY = 'vitrine-health';

/** @throws {Unavailable} when the bucket does not answer, or does not know us */
export async function probeBucket(client: BucketClient, signal: AbortSignal): Promise<void> {
  const { sdk, writers, timeoutMs } = client;
  await ask<unknown>(
    client,
    {
      action: 'be asked',
      to: writers, // not held up by readers
      ms: timeoutMs,
      async send(s3, how) {
        const { Body } = await s3.send(new sdk.GetObjectCommand(objectIn(client, PROBED_KEY)), how);
        (Body as Readable | undefined)?.destroy(); // Node's kind, in Node
      },
      // Who may not list a bucket is not told that an object is missing.
      mayBe: (error) => (isMissing(error) || codeOf(error) === 'AccessDenied' ? { answer: undefined } : undefined),
    },
    signal,
  );
}
